// Packets that leave the flight and are a loss that nobody counts: for reasons of ours, which say
// nothing about the path.

#include <algorithm>

#include "transport/loss_detector.h"

namespace hawser::transport {

bool LossDetector::displace_one(Time now, Visitor& visitor) {
  if (reserve_one(now)) return true;
  if (packets_.empty()) return false;
  // Of what was left on another path, the front may have been acknowledged.
  if (packets_.front().state == kSentInFlight) write_off(now, packets_.front(), visitor);
  packets_.pop_front();
  settle_cursor();
  (void)drop_lost_at_front();
  return packets_.reserve_one();
}

LossDetector::Withdrawn LossDetector::withdraw(Time now, uint64_t first, size_t sent,
                                               Visitor& visitor) {
  Withdrawn withdrawn;
  uint64_t number = std::max(first, packets_.first_number());
  for (; number < next_number(); number++) {
    SentPacket& packet = packets_.at(number);
    if (packet.state == kSentSkipped) continue;
    if (sent != 0) {
      sent--;
      continue;
    }
    if (packet.state != kSentInFlight) continue;
    withdrawn.packets++;
    withdrawn.bytes += packet.bytes;
    withdrawn.acks = withdrawn.acks || packet.has_ack;
    write_off(now, packet, visitor);
  }
  settle_cursor();
  trim(now);
  return withdrawn;
}

void LossDetector::write_off(Time now, SentPacket& packet, Visitor& visitor) {
  if (is_in_flight(packet)) leave_flight(packet);
  packet.state = kSentLost;
  packet.lost_at = now;
  packet.path = SentPacket::kNoPath;
  visitor.on_lost(packet);
}

}  // namespace hawser::transport
