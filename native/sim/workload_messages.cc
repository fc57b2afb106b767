// The part of Workload that sends and reads messages.
#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "sim/workload.h"
#include "wire/endian.h"
#include "wire/frames.h"

namespace hawser::sim {

using transport::Channel;
using transport::Demand;

void Workload::start(ChannelRun& run, int side) {
  Channel& channel = *run.side[side].channel;
  const size_t longest =
      std::min(run.plan.side[0].config.max_message, run.plan.side[1].config.max_message);
  if (!channel.gone() && channel.push(nullptr, longest + 1) != Channel::Push::kTooLarge) {
    network_.fail("channel %" PRIu64 ": too long a message is taken", channel.id());
  }
  push(run, side);
}

void Workload::push(ChannelRun& run, int side) {
  SideState& state = run.side[side];
  const SidePlan& plan = run.plan.side[side];
  DirectionLedger& outgoing = run.ledger.direction[side];
  if (state.closed || state.channel == nullptr || state.finished || state.waiting) return;
  Channel& channel = *state.channel;
  if (channel.gone() || !channel.accepted()) return;
  uint32_t pushed = 0;
  bool full = false;
  check_flush(channel, outgoing);
  const auto taken = [&] {
    outgoing.pushed++;
    pushed++;
    outgoing.last_pushed_at = network_.now();
    if (plan.config.expires_after != 0) outgoing.pushed_at.push_back(network_.now());
  };
  if (run.index % 4 == 3) channel.trim();
  while (outgoing.pushed < plan.messages && !full && (plan.burst == 0 || pushed < plan.burst)) {
    const uint64_t key = outgoing.key(outgoing.end());
    const size_t length = outgoing.length(outgoing.end());
    if (scratch_.size() < length + 8) scratch_.resize(length + 8);
    fill_message(key, scratch_.data(), length);
    if (outgoing.tagged) wire::store_u64(scratch_.data(), outgoing.end());
    Channel::Push result = channel.push(scratch_.data(), length);
    if (result == Channel::Push::kNoRoom) result = channel.push_locked(scratch_.data(), length);
    switch (result) {
      case Channel::Push::kTaken:
        taken();
        break;
      case Channel::Push::kFull:
        taken();
        full = run.index % 5 != 4;  // some go on until they are refused
        break;
      case Channel::Push::kRefused:
        // No memory, or as much waits as may: both pass.
        state.peer->check();
        channel.flush(network_.now());
        state.waiting = true;
        set_timer(kRetry, Timer::kPush, run.index, side, state.peer->index());
        return;
      default:
        network_.fail("channel %" PRIu64 ": push() answered %d", channel.id(),
                      static_cast<int>(result));
        return;
    }
  }
  state.peer->check();
  channel.flush(network_.now());
  if (outgoing.pushed == plan.messages) {
    finish(run, side);
  } else if (full) {
    state.waiting = true;
  } else {
    state.waiting = true;
    set_timer(plan.gap, Timer::kPush, run.index, side, state.peer->index());
  }
}

// Fill: nothing is held back for longer than `flush_after`.
void Workload::check_flush(Channel& channel, const DirectionLedger& outgoing) {
  const transport::Duration limit = outgoing.config.flush_after;
  if (limit == 0 || outgoing.pushed == 0 || !channel.outbound().holds_back()) return;
  if (network_.now() - outgoing.last_pushed_at > limit + transport::kMillisecond) {
    network_.fail("channel %" PRIu64 ": messages are held back for longer than flush_after",
                  channel.id());
  }
}

void Workload::finish(ChannelRun& run, int side) {
  SideState& state = run.side[side];
  state.finished = true;
  if (run.plan.side[side].finish != Finish::kEnd) return;
  Channel& channel = *state.channel;
  if (run.index % 3 == 1) {
    state.watched = true;
    channel.watch_acknowledged(network_.now(), channel.outbound().ring().written_sequence());
  }
  channel.end(network_.now());
  channel.end(network_.now());
  if (channel.push(nullptr, 0) != Channel::Push::kClosed) {
    network_.fail("channel %" PRIu64 ": a message is taken after the end", channel.id());
  }
}

// Who asks for more has consumed what it was given.
void Workload::ask(ChannelRun& run, int side, Demand demand) {
  DirectionLedger& incoming = run.ledger.direction[1 - side];
  if (demand != Demand::kNone) incoming.cost_consumed = incoming.cost_delivered;
  run.side[side].channel->set_demand(network_.now(), demand);
}

void Workload::start_reading(ChannelRun& run, int side) {
  switch (run.plan.side[side].reader) {
    case Reader::kNever:
      break;
    case Reader::kOnce:
      ask(run, side, Demand::kOnce);
      break;
    case Reader::kContinuous:
    case Reader::kPausing:
      ask(run, side, Demand::kContinuous);
      break;
  }
}

void Workload::resume_reading(int channel, int side) {
  ChannelRun& run = this->channel(channel);
  SideState& state = run.side[side];
  if (state.channel == nullptr) return;
  ask(run, side, Demand::kContinuous);
  state.peer->deliver(*state.channel);
}

// A timer has woken the reader.
void Workload::read_on(ChannelRun& run, int side) {
  SideState& state = run.side[side];
  if (state.closed || state.channel == nullptr) return;
  const SidePlan& plan = run.plan.side[side];
  state.refused_run = false;
  if (plan.reader == Reader::kOnce) {
    ask(run, side, Demand::kOnce);
  } else if (plan.reader == Reader::kPausing) {
    ask(run, side, Demand::kContinuous);
  }
  state.peer->deliver(*state.channel);
}

void Workload::on_readable(ChannelRun& run, int side) {
  SideState& state = run.side[side];
  if (state.refused_run) {
    if (!state.asleep) {
      state.asleep = true;
      set_timer(transport::kMillisecond, Timer::kRead, run.index, side, state.peer->index());
    }
    return;
  }
  if (!state.asleep || state.channel->gone()) state.peer->deliver(*state.channel);
}

bool Workload::take_tagged(Channel& channel, DirectionLedger& incoming, const uint8_t* body,
                           size_t size) {
  const uint64_t number = size < kTagBytes ? 0 : wire::load_u64(body);
  const uint64_t bit = number - incoming.first_sequence;
  if (number < incoming.first_sequence || number >= incoming.end() ||
      size != incoming.length(number)) {
    network_.fail("channel %" PRIu64 ": a message that was never sent", channel.id());
    return false;
  }
  scratch_.resize(std::max(scratch_.size(), size + 8));
  fill_message(incoming.key(number), scratch_.data(), size);
  if (std::memcmp(scratch_.data() + kTagBytes, body + kTagBytes, size - kTagBytes) != 0) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " is not what was sent", channel.id(),
                  number);
    return false;
  }
  if (bit / 64 >= incoming.taken.size()) incoming.taken.resize(bit / 64 + 16);
  uint64_t& word = incoming.taken[bit / 64];
  if ((word >> (bit % 64) & 1) != 0) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " comes twice", channel.id(), number);
    return false;
  }
  word |= uint64_t{1} << (bit % 64);
  const bool any_order = incoming.config.delivery == wire::Delivery::kUnordered ||
                         incoming.config.delivery == wire::Delivery::kUnreliable;
  if (!any_order && number < incoming.newest_end) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " comes after %" PRIu64, channel.id(),
                  number, incoming.newest_end - 1);
    return false;
  }
  incoming.newest_end = std::max(incoming.newest_end, number + 1);
  return true;
}

bool Workload::take(SimPeer& peer, Channel& channel, uint64_t first, const uint8_t* bytes,
                    size_t length, uint32_t count) {
  if (channel.user == 0) {
    network_.fail("peer %d: messages of a channel that was not accepted", peer.index());
    return true;
  }
  ChannelRun& run = this->channel(static_cast<int>((channel.user - 1) / 2));
  const int side = static_cast<int>((channel.user - 1) % 2);
  SideState& state = run.side[side];
  const SidePlan& plan = run.plan.side[side];
  DirectionLedger& incoming = run.ledger.direction[1 - side];
  if (state.closed) network_.fail("channel %" PRIu64 ": a message after the end", channel.id());
  if (plan.refusal > 0) {
    // Refused once; offered again it is taken, so that a reader that is asked often gets on.
    if (!state.refused_run && net::Chance(plan.refusal).happens(&prng_)) {
      state.refused_run = true;
      return false;
    }
    if (state.refused_run && state.asleep) return false;
    state.refused_run = false;
  }
  if (plan.reader == Reader::kPausing && state.asleep && !channel.gone()) {
    network_.fail("channel %" PRIu64 ": a message for a reader that pauses", channel.id());
  }
  const uint64_t expected = incoming.first_sequence + incoming.delivered;
  if (first != expected && !incoming.tagged) {
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " handed over, %" PRIu64 " expected",
                  channel.id(), first, expected);
    return true;
  }
  if (incoming.config.delivery == wire::Delivery::kLatest && count != 1) {
    network_.fail("channel %" PRIu64 ": %u messages handed over, and only the newest is wanted",
                  channel.id(), count);
  }
  const uint8_t* const end = bytes + length;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t* body = nullptr;
    size_t size = 0;
    const uint8_t* const next = bytes == end ? end : wire::next_block(bytes, end, body, size);
    if (incoming.tagged) {
      if (body == nullptr || next > end || !take_tagged(channel, incoming, body, size)) return true;
      bytes = next;
      continue;
    }
    const uint64_t key = incoming.key(first + i);
    if (body == nullptr || next > end || first + i >= incoming.end() ||
        size != incoming.length(first + i) || !is_message(key, body, size)) {
      network_.fail("channel %" PRIu64 ": message %" PRIu64 " is not what was sent", channel.id(),
                    first + i);
      return true;
    }
    bytes = next;
  }
  if (bytes != end) network_.fail("channel %" PRIu64 ": a run with something behind", channel.id());
  incoming.cost_delivered += length + wire::kMessageOverhead * count;
  if (channel.inbound().demand() == Demand::kContinuous) {
    incoming.cost_consumed = incoming.cost_delivered;
  }
  incoming.delivered += count;
  delivered_ += count;
  progress_ += count;
  network_.note(6, first + count);
  const bool reset = incoming.delivered >= plan.reset_after && !state.reset_due;
  const bool ask = plan.reader == Reader::kOnce && !state.ask_again;
  const bool pause = plan.reader == Reader::kPausing && prng_.below(16) == 0;
  if (reset) state.reset_due = true;
  if (ask) state.ask_again = true;
  if (reset || ask || pause) due_.push_back(run.index * 4 + side * 2 + (pause ? 1 : 0));
  return true;
}

void Workload::after_batch(SimPeer& peer) {
  // Acting may hand over more messages, which may add to the list.
  while (!due_.empty()) {
    const int due = due_.back();
    due_.pop_back();
    ChannelRun& run = channel(due / 4);
    const int side = due / 2 % 2;
    SideState& state = run.side[side];
    if (state.closed || state.channel == nullptr) continue;
    const SidePlan& plan = run.plan.side[side];
    if (state.reset_due) {
      if (!state.channel->gone()) {
        state.finished = true;
        state.channel->reset(network_.now(), plan.reset_code, "planned", 7);
      }
      continue;
    }
    if (state.ask_again) {
      state.ask_again = false;
      if (plan.pause == 0) {
        ask(run, side, Demand::kOnce);
      } else if (!state.asleep) {
        state.asleep = true;
        set_timer(plan.pause, Timer::kRead, run.index, side, peer.index());
      }
    }
    if (due % 2 == 1 && !state.asleep) {
      state.asleep = true;
      ask(run, side, Demand::kNone);
      set_timer(plan.pause, Timer::kRead, run.index, side, peer.index());
    }
  }
}

}  // namespace hawser::sim
