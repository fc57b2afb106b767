// Where the peer is: addresses that its packets come from, their validation, and the change of the
// path (PROTOCOL.md section 4.1; RFC 9000, sections 8.2 and 9).

#include <algorithm>
#include <cstring>
#include <utility>

#include "transport/endpoint.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {

// Having come back to a path of before, the session stays there for so long, or three PTOs: who
// copies packets cannot make it go to and fro with every one of them.
constexpr Duration kSettled = kSecond;
// A new address has this long, or a PTO, before another one may take its place. Doubled with each
// that was replaced, so that one of them gets an answer in the end even if it is far away.
constexpr Duration kShortestTurn = 100 * kMillisecond;
constexpr Duration kLongestTurn = 2 * kSecond;

}  // namespace

// --- Addresses that packets come from.

// Where the peer is now is said by its newest packet.
void Session::note_origin(Time now, const PathAddress& from, uint64_t number, size_t length,
                          bool newest) {
  if (paths_.trial != nullptr && from == paths_.trial->path.address) {
    paths_.trial->validation.on_received(length);
    paths_.trial->path.largest = std::max(paths_.trial->path.largest, number);
  } else if (!(from == path_.address)) {
    consider(now, from, number, length, newest);
  }
  if (paths_.trial == nullptr) return;
  if (paths_.trial->validation.validated() && paths_.trial->path.largest > path_.largest) {
    change_path(now);
  } else if (paths_.trial->validation.due(now)) {
    runtime_.make_ready(this);
  }
}

// At most one address is looked at at a time, and each for a while: who copies packets of the peer
// and sends them from many addresses does not make us send to all of them. Nor does he keep us from
// the right one for ever: of each packet only the first copy counts, and whose turn is next is
// drawn among the packets that came from elsewhere meanwhile.
void Session::consider(Time now, const PathAddress& from, uint64_t number, size_t length,
                       bool newest) {
  if (now < paths_.settled_until || length < PathValidation::kPacketBytes) return;
  if (paths_.trial == nullptr) {
    if (newest) try_address(now, from, number, length);
  } else if (number > path_.largest) {
    // Perhaps not the newest only because a copy of a later packet was faster.
    paths_.trial->rival.offer(from, number, length, runtime_.random().next());
    if (now >= rival_deadline()) try_rival(now);
  }
}

void Session::try_address(Time now, const PathAddress& address, uint64_t number, size_t length) {
  // Without memory the next packet brings another chance.
  if (!begin_trial(address)) return;
  challenge_trial(now);
  paths_.trial->validation.on_received(length);
  paths_.trial->path.largest = number;
}

void Session::try_rival(Time now) {
  const Rival rival = paths_.trial->rival;
  if (!paths_.trial->proven) paths_.turns++;
  fail_trial();
  try_address(now, rival.address, rival.number, rival.bytes);
}

// Who has answered need not fear rivals.
Time Session::rival_deadline() const {
  const bool waits = paths_.trial->rival.offers != 0 && !paths_.trial->validation.validated();
  return waits ? paths_.trial->turn_ends_at : kNever;
}

// Nobody answers. Who had drawn the session to himself, by copies that were faster, may be gone,
// and the other side may still send to him: then only this helps.
void Session::ask_previous(Time now) {
  if (!paths_.has_previous || paths_.trial != nullptr || !begin_trial(paths_.previous)) return;
  paths_.trial->proven = true;
  challenge_trial(now);
}

bool Session::begin_trial(const PathAddress& address) {
  const EndpointConfig& config = endpoint_.config();
  Memory& memory = endpoint_.memory();
  paths_.trial = memory.create<PathTrial>(memory, address, paths_.newest + 1, config.path_datagram,
                                          config.path_datagram_limit, config.congestion);
  if (paths_.trial == nullptr) return false;
  if (!paths_.trial->path.congestion.ready()) {
    paths_.end_trial();
    return false;
  }
  paths_.trial->path.mtu.lower_limit(longest_datagram());
  paths_.newest++;
  return true;
}

void Session::challenge_trial(Time now) {
  uint8_t data[wire::kPathDataBytes];
  runtime_.random().fill(data, sizeof data);
  const Duration delay = peer_max_ack_delay();
  const Duration there = paths_.trial->path.pto(delay);
  // Of a new way nothing is known: the assumed round trip is for the end of patience, and not for
  // repeating (RFC 9000, section 8.2.4).
  const Duration pto = paths_.trial->proven ? there : path_.pto(delay);
  paths_.trial->validation.begin(now, pto, std::max(pto, there), paths_.trial->proven, data);
  paths_.trial->rival = Rival{};
  const Duration turn = std::clamp(path_.pto(delay), kShortestTurn, kLongestTurn)
                        << std::min(paths_.turns, 5u);
  paths_.trial->turn_ends_at = now + std::min(turn, kLongestTurn);
  runtime_.make_ready(this);
}

void Session::fail_trial() {
  if (!paths_.trial->proven && !paths_.trial->validation.validated())
    totals_.path_validations_failed++;
  paths_.end_trial();
}

Time Session::trial_deadline() const {
  if (paths_.trial == nullptr) return kNever;
  const PathValidation& validation = paths_.trial->validation;
  if (retry_at_ != kNever) return validation.give_up_at();
  return std::min(validation.deadline(), rival_deadline());
}

void Session::challenge_again(Time now) {
  const bool hopeless = now >= paths_.trial->validation.give_up_at();
  if (now >= rival_deadline() || (hopeless && paths_.trial->rival.offers != 0)) {
    try_rival(now);
  } else if (hopeless) {
    fail_trial();
  } else {
    runtime_.make_ready(this);
  }
}

// The peer is there, and its newest packet came from there.
void Session::change_path(Time now) {
  const Duration delay = peer_max_ack_delay();
  const Time give_up_at = now + path_.pto(delay);
  const bool back = paths_.trial->proven;
  if (!back) {
    const Duration round_trip = paths_.trial->validation.round_trip();
    if (paths_.trial->path.same_host(path_)) {
      paths_.trial->path.inherit(path_);
    } else if (round_trip != 0) {
      paths_.trial->path.rtt.on_sample(round_trip, 0, 0, true);
    }
    paths_.trial->proven = true;
  }
  path_.mtu.forget_probe();
  std::swap(path_, paths_.trial->path);
  totals_.path_changes++;
  paths_.turns = 0;
  probes_ = 0;
  paths_.has_previous = !back;
  if (back) {
    paths_.end_trial();
    paths_.settled_until = now + std::max(3 * path_.pto(delay), kSettled);
  } else {
    // Perhaps somebody only was faster with copies: then the peer answers from where it was, and
    // its packets go on coming from there (RFC 9000, section 9.3.3).
    paths_.previous = paths_.trial->path.address;
    challenge_trial(now);
  }
  if (!leave_flight(now, path_.number, give_up_at)) return;
  // What was sent to where nobody is any more had no chance.
  if (unanswered_.since != kNever) unanswered_.since = now;
  // What acknowledged the last packets may have gone there as well.
  acks_.request_now();
  update_rates(now);
  runtime_.make_ready(this);
}

// --- Packets with PATH_CHALLENGE and PATH_RESPONSE. Each goes to its own address, alone.

// One answer for each packet, which is not longer than that: nobody is sent more than we were.
void Session::on_path_challenge(const uint8_t* data) {
  if (reading_.challenged) return;
  reading_.challenged = true;
  paths_.push_answer(*reading_.origin, data);
  // If its sender wonders where we are, a packet that is more than an answer shows it.
  acks_.request_now();
  runtime_.make_ready(this);
}

bool Session::transmit_path(Time now, Train& train) {
  uint8_t frame[PathValidation::kFrameBytes];
  while (paths_.answers != nullptr) {
    const PathAnswers::Answer answer = paths_.answers->front();
    const bool on_trial = paths_.trial != nullptr && answer.to == paths_.trial->path.address;
    if (on_trial && !paths_.trial->validation.spend(PathValidation::kPacketBytes)) {
      paths_.pop_answer();
      continue;
    }
    wire::PathResponse response{};
    std::copy_n(answer.data, sizeof answer.data, response.data);
    wire::write(frame, frame + sizeof frame, response);
    if (!build_alone(now, answer.to, frame, sizeof frame, train)) return false;
    paths_.pop_answer();
    return true;
  }
  if (paths_.trial == nullptr || !paths_.trial->validation.due(now)) return false;
  wire::PathChallenge challenge{};
  std::copy_n(paths_.trial->validation.data(), sizeof challenge.data, challenge.data);
  wire::write(frame, frame + sizeof frame, challenge);
  if (!build_alone(now, paths_.trial->path.address, frame, sizeof frame, train)) return false;
  paths_.trial->validation.on_challenge_sent(now);
  return true;
}

bool Session::build_alone(Time now, const PathAddress& to, const uint8_t* frames, size_t length,
                          Train& train) {
  if (length + wire::kPacketOverhead > train.capacity) return false;
  if (!make_record(now, false)) return false;
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
  packet.path = to == path_.address ? path_.number : SentPacket::kNoPath;
  if (!record(now, packet)) return false;
  uint8_t* out = train.buffer;
  wire::write_data_header(out, wire::DataHeader{remote_id_, wire::truncate32(packet.number)});
  std::memcpy(out + wire::kHeaderBytes, frames, length);
  if (PacketTap* tap = runtime_.tap()) {
    tap->on_packet(*this, packet.number, out + wire::kHeaderBytes, length);
  }
  if (!seal(now, out, packet.bytes, packet.bytes, &packet.number)) return false;
  train.from = &endpoint_;
  train.to = to;
  train.length = packet.bytes;
  train.segment_size = packet.bytes;
  train.segments = 1;
  totals_.packets_sent++;
  totals_.bytes_sent += packet.bytes;
  return true;
}

}  // namespace hawser::transport
