// Packets whose content somebody else made: for tests that send what a session would not.

#include <algorithm>
#include <cstring>

#include "transport/endpoint.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

bool Session::build_foreign(Time now, const uint8_t* frames, size_t length, Train& train) {
  if (state_ != State::kOpen || length == 0) return false;
  if (length + wire::kPacketOverhead > train.capacity) return false;
  if (!loss_.reserve_one(now)) return false;
  // Recorded, because the peer may acknowledge it; but neither missed when it is lost nor counted
  // against the congestion window, because nothing of it could be sent again.
  SentPacket packet{};
  packet.number = take_number();
  packet.sent_at = now;
  packet.bytes = static_cast<uint32_t>(length + wire::kPacketOverhead);
  packet.ack_eliciting = false;
  packet.in_flight_counted = false;
  packet.app_limited = active_.empty();
  packet.has_ack = false;
  packet.largest_acked_in_ack = 0;
  packet.frame_first = refs_.end();
  packet.frame_count = 0;
  if (!loss_.on_sent(packet)) return false;
  uint8_t* out = train.buffer;
  wire::write_data_header(out, wire::DataHeader{remote_id_, wire::truncate32(packet.number)});
  std::memcpy(out + wire::kHeaderBytes, frames, length);
  if (PacketTap* tap = runtime_.tap()) {
    tap->on_packet(*this, packet.number, out + wire::kHeaderBytes, length);
  }
  protection_.seal(packet.number, out, wire::kHeaderBytes, length);
  train.from = &endpoint_;
  train.to = path_;
  train.length = packet.bytes;
  train.segment_size = packet.bytes;
  train.segments = 1;
  counters_.packets_sent++;
  counters_.bytes_sent += packet.bytes;
  return true;
}

bool Session::resting() const {
  switch (state_) {
    case State::kOpen:
      for (const Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
        if (c->counters().in_flight != 0) return false;
      }
      return !ready_hook.linked && active_.empty() && !has_control() && !ping_wanted_ &&
             probes_ == 0 && ack_deadline() == kNever && retry_at_ == kNever &&
             idle_check_ == kNever && loss_.deadline(rtt_, peer_max_ack_delay()) == kNever;
    case State::kGone:
      return true;
    case State::kConnecting:
    case State::kHalfOpen:
    case State::kClosing:
    case State::kDraining:
      break;
  }
  return false;
}

}  // namespace hawser::transport
