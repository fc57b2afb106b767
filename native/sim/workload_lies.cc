// The part of Workload that closes sessions, and that makes a peer lie.
#include <cinttypes>
#include <cstring>
#include <vector>

#include "sim/workload.h"
#include "wire/frames.h"
#include "wire/number.h"

namespace hawser::sim {

using transport::Session;

namespace {

constexpr uint64_t kTwoLengths = 13;
constexpr uint32_t kFarAhead = 1'000'000;

// A frame that its receiver must answer with CLOSE. `id`: a channel that it knows; `next`: the
// number of the message that it expects there. Returns the end of the frame.
uint8_t* write_lie(uint64_t which, bool to_initiator, uint64_t id, uint64_t next, uint8_t* out,
                   uint8_t* end) {
  static uint8_t body[64] = {0};
  // Of the receiver's side, and of the liar's.
  const uint64_t theirs = to_initiator ? 2 * uint64_t{kFarAhead} + 1 : 2 * uint64_t{kFarAhead};
  const uint64_t ours = to_initiator ? 2 * uint64_t{kFarAhead} : 2 * uint64_t{kFarAhead} + 1;
  const auto wire_next = wire::truncate32(next);
  switch (which) {
    case 0: {
      wire::Ack ack{};
      ack.range_count = 1;
      ack.ranges[0] = wire::Range{wire::kMaxVarint - 1, wire::kMaxVarint - 1};
      return wire::write(out, end, ack);
    }
    case 1: {
      wire::Count count{};
      count.entry_count = 1;
      count.entries[0] = wire::CountEntry{id, wire_next + kFarAhead};
      return wire::write(out, end, count);
    }
    case 2:  // a channel that the receiver never opened
      return wire::write(out, end, wire::Credit{theirs, 1});
    case 3:  // one more than allowed
      return wire::write(out, end, wire::Credit{ours * 100, 1});
    case 4:  // the end of what is not there yet is far behind what came
      return wire::write(out, end, wire::Skip{id, wire_next + (1u << 17), 0});
    case 5:
      return wire::write(out, end, wire::Skip{id, wire_next + 5'000, wire::kMaxVarint});
    case 6:
      return wire::write(out, end, wire::Skip{id, wire_next + 5'000, 0});
    case 7:  // beyond the credit
      out = wire::write_message_header(out, end, id, wire_next + 60'000, 1);
      *out = 0;
      return out + 1;
    case 8:  // no such sequence can be within the window
      out = wire::write_message_header(out, end, id, wire_next + kFarAhead, 1);
      *out = 0;
      return out + 1;
    case 9:  // longer than anybody takes
      out = wire::write_fragment_header(out, end, id, wire_next + 5'000, wire::kMaxMessage, 0,
                                        sizeof body);
      std::memcpy(out, body, sizeof body);
      return out + sizeof body;
    case 10:  // an OPEN of what only the receiver may open
    {
      wire::Open open{};
      open.channel = theirs;
      open.service = body;
      open.service_length = 1;
      body[0] = 'x';
      open.max_message = 1;
      return wire::write(out, end, open);
    }
    case 11: {  // two ends
      uint8_t* after = wire::write(out, end, wire::End{id, next + 40'000});
      return wire::write(after, end, wire::End{id, next + 50'000});
    }
    case 12: {  // a message beyond the end
      uint8_t* after = wire::write(out, end, wire::End{id, next});
      after = wire::write_message_header(after, end, id, wire_next + 1, 1);
      *after = 0;
      return after + 1;
    }
    case kTwoLengths: {  // two lengths of one message
      uint8_t* after = wire::write_fragment_header(out, end, id, wire_next + 1, 500, 0, 1);
      *after++ = 1;
      after = wire::write_fragment_header(after, end, id, wire_next + 1, 501, 0, 1);
      *after++ = 1;
      return after;
    }
    case 14: {  // two modes
      wire::Window window{id, uint64_t{1} << 40, 16, 8, 0, wire::WindowMode::kCounted};
      uint8_t* after = wire::write(out, end, window);
      window.generation++;
      window.mode = wire::WindowMode::kEarly;
      return wire::write(after, end, window);
    }
    case 15:  // an END before what came
      if (next == 1) return nullptr;
      return wire::write(out, end, wire::End{id, 0});
    case 16:  // a reserved type
      *out = 0x3f;
      return out + 1;
    default:  // cut off
      *out = 0x14;
      return out + 1;
  }
}

constexpr uint64_t kLies = 18;

}  // namespace

void Workload::lie_at(transport::Time when, uint64_t luck) {
  lie_ = luck;
  network_.set_timer(when, 0, tag(Timer::kLie, 0, 0));
}

// What is built goes past the oracle: it judges the other peer.
void Workload::lie() {
  for (const auto& run : channels_) {
    const auto& session = *sessions_[static_cast<size_t>(run->plan.session)];
    const int liar = static_cast<int>(lie_ / kLies % 2);
    Session* from = session.side[liar];
    const bool first = (liar == 0) == run->plan.opened_by_initiator;
    const transport::Channel* victim = run->side[first ? 1 : 0].channel;
    if (from == nullptr || session.closed[liar] || !from->open() || victim == nullptr ||
        victim->gone()) {
      continue;
    }
    failure_allowed_ = true;
    uint8_t frames[600];
    const uint64_t next = run->side[first ? 1 : 0].channel->inbound().expected();
    const uint8_t* end =
        write_lie(lie_ % kLies, liar == 1, run->ledger.id, next, frames, frames + sizeof frames);
    std::vector<uint8_t> buffer(1'200);
    transport::Train train;
    train.buffer = buffer.data();
    train.capacity = buffer.size();
    if (end == nullptr ||
        !from->build_foreign(network_.now(), frames, static_cast<size_t>(end - frames), train)) {
      return;
    }
    const int peers[] = {session.plan.initiator, session.plan.responder};
    const std::vector<uint8_t> clear = network_.peer(peers[liar]).take_clear();
    network_.oracle().on_foreign(clear.data(), clear.size());
    network_.inject(network_.now() + transport::kMillisecond, network_.peer(peers[liar]).address(),
                    peers[1 - liar], train.buffer, train.length, clear.data());
    lied_on_ = run->index;
    set_timer(2 * transport::kMillisecond, Timer::kLieSeen, 0, 0, peers[1 - liar]);
    return;
  }
}

// Who was lied to ends the session, unless it knows nothing of the channel any more.
void Workload::check_lie() {
  const ChannelRun& run = channel(lied_on_);
  const SessionRun& session = *sessions_[static_cast<size_t>(run.plan.session)];
  const uint64_t which = lie_ % kLies;
  const int victim = 1 - static_cast<int>(lie_ / kLies % 2);
  const bool first = (victim == 0) == run.plan.opened_by_initiator;
  const transport::Channel* channel = run.side[first ? 0 : 1].channel;
  if (session.closed[victim] || !session.side[victim]->open()) return;
  SimPeer& peer = network_.peer(victim == 0 ? session.plan.initiator : session.plan.responder);
  const bool channel_gone = channel == nullptr || channel->gone();
  // The message may have come meanwhile.
  if (channel_gone || which == kTwoLengths || peer.memory().refused() != 0) return;
  network_.fail("peer %d believes lie %" PRIu64, peer.index(), which);
}

// A session that says that nothing more will happen has nothing to send.
void Workload::check_rest() {
  for (const auto& run : channels_) {
    for (const SideState& side : run->side) {
      if (side.channel == nullptr || side.closed || !side.channel->wants_data()) continue;
      if (side.channel->session().resting()) {
        network_.fail("channel %" PRIu64 " has messages to send, and its session rests",
                      run->ledger.id);
      }
    }
  }
  for (const auto& run : sessions_) {
    for (int side = 0; side < 2; side++) {
      const Session* session = run->side[side];
      if (session == nullptr || run->closed[side] || !session->resting()) continue;
      if (session->counters().bytes_in_flight != 0 && session->channel_count() != 0 &&
          !session->open()) {
        network_.fail("session %d rests while it closes", run->index);
      }
    }
  }
}

void Workload::close_session(SessionRun& run, int side) {
  check_rest();
  if (run.closed[side] || run.side[side] == nullptr) return;
  SimPeer& peer = network_.peer(side == 0 ? run.plan.initiator : run.plan.responder);
  const int other = side == 0 ? run.plan.responder : run.plan.initiator;
  const Session* found = peer.endpoint().find(network_.peer(other).id());
  if (run.side[side]->open() &&
      (found == nullptr || !found->open() || !(found->remote() == network_.peer(other).id()))) {
    network_.fail("peer %d does not find its session", peer.index());
  }
  if (sessions_.size() == 1) {
    peer.endpoint().close_all(network_.now(), wire::Code::kNoError, nullptr, 0);
  } else {
    run.side[side]->close(network_.now(), wire::Code::kNoError, nullptr, 0);
  }
}

}  // namespace hawser::sim
