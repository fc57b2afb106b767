// Path MTU discovery of a session (mtu_search.h): probes, and what follows from the result.
//
// Probes go while a session sends messages: who sends nothing needs no longer datagrams. They have
// no timer: each follows what becomes of the one before, or the next messages. They take no room in
// the congestion window, because the first windows are smaller than what is to be found; at most
// one is under way at a time, and none goes when the window or the pacer would not let a packet go.

#include <algorithm>

#include "transport/endpoint.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {
// Messages were sent not longer ago than this, or than three PTOs: the session is in use.
constexpr Duration kInUse = kSecond;
constexpr int kInUsePtos = 3;
}  // namespace

size_t Session::longest_datagram() const {
  const EndpointConfig& config = endpoint_.config();
  return std::min<size_t>(
      {config.path_datagram_limit, config.max_datagram, remote_parameters_.max_datagram});
}

size_t Session::mtu_probe_due(Time now) {
  // An address that is being validated may be the better one: what is found out here is then lost.
  if (state_ != State::kOpen || paths_.trial != nullptr || probes_ != 0 || retry_at_ != kNever)
    return 0;
  const Duration in_use = std::max(kInUsePtos * path_.pto(peer_max_ack_delay()), kInUse);
  if (now - last_data_at_ > in_use) return 0;
  const size_t bytes = path_.mtu.next_probe(now);
  if (bytes == 0 || !congestion_allows(path_.datagram())) return 0;
  return path_.pacer.budget(now) >= path_.datagram() ? bytes : 0;
}

bool Session::transmit_mtu_probe(Time now, Train& train) {
  size_t bytes = mtu_probe_due(now);
  while (bytes > train.capacity) {
    path_.mtu.on_refused(now, bytes);
    bytes = mtu_probe_due(now);
  }
  if (bytes == 0) return false;
  if (!make_record(now, false)) return false;
  SentPacket packet{};
  packet.number = take_number();
  packet.sent_at = now;
  packet.bytes = static_cast<uint32_t>(bytes);
  packet.ack_eliciting = true;
  packet.mtu_probe = true;
  packet.app_limited = active_.empty();
  packet.path = path_.number;
  packet.frame_first = refs_.end();
  if (!record(now, packet)) return false;
  uint8_t* const out = train.buffer;
  wire::write_data_header(out, wire::DataHeader{remote_id_, wire::truncate32(packet.number)});
  uint8_t* const frames = out + wire::kHeaderBytes;
  uint8_t* const end = out + bytes - wire::kTagBytes;
  // Answered at once, the next one can go a round trip later.
  uint8_t* p = wire::write(frames, end, wire::Ping{});
  p = wire::write(p, end, wire::AckNow{});
  wire::write_padding(p, end, static_cast<size_t>(end - p));
  if (PacketTap* tap = runtime_.tap()) {
    tap->on_packet(*this, packet.number, frames, static_cast<size_t>(end - frames));
  }
  path_.mtu.on_probe_sent(now, packet.number, bytes, path_.pto(peer_max_ack_delay()));
  // What it is longer than the budget is not owed: messages would wait for it.
  path_.pacer.on_sent(now, std::min<uint64_t>(bytes, path_.pacer.budget(now)));
  if (!seal(now, out, bytes, bytes, &packet.number)) return false;
  train.has_packets = true;
  train.session = local_id_;
  train.first_number = packet.number;
  train.length = train.segment_size = bytes;
  train.segments = 1;
  last_activity_ = now;
  totals_.packets_sent++;
  totals_.bytes_sent += bytes;
  rearm(now);
  return true;
}

void Session::follow_mtu(size_t before) {
  const size_t now = path_.datagram();
  if (now != before) path_.congestion.on_mtu(now);
}

}  // namespace hawser::transport
