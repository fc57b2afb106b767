#include "sim/workload.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "wire/endian.h"
#include "wire/frames.h"

namespace hawser::sim {

using transport::Channel;
using transport::ClosedBy;
using transport::Duration;
using transport::Session;
using transport::Time;

namespace {

bool idles(const ChannelPlan& plan) {
  return plan.side[0].config.idle_timeout != 0 || plan.side[1].config.idle_timeout != 0;
}

}  // namespace

Workload::Workload(SimNetwork& network) : network_(network), prng_(network.seed(), 0x776f726b) {
  network.set_application(this);
}

int Workload::add_session(const SessionPlan& plan) {
  auto run = std::make_unique<SessionRun>();
  run->index = static_cast<int>(sessions_.size());
  run->plan = plan;
  network_.set_timer(plan.connect_at, plan.initiator, tag(Timer::kConnect, run->index, 0));
  for (size_t i = 0; i < plan.moves.size(); i++) {
    const auto which = run->index << 8 | static_cast<int>(i);
    network_.set_timer(plan.moves[i].at, plan.initiator, tag(Timer::kMove, which, 0));
  }
  if (plan.both_move_at != transport::kNever) {
    network_.set_timer(plan.both_move_at, plan.initiator, tag(Timer::kBothMove, run->index, 0));
  }
  sessions_.push_back(std::move(run));
  return sessions_.back()->index;
}

int Workload::add_channel(const ChannelPlan& plan) {
  auto run = std::make_unique<ChannelRun>();
  run->index = static_cast<int>(channels_.size());
  run->plan = plan;
  for (uint32_t d = 0; d < 2; d++) {
    DirectionLedger& direction = run->ledger.direction[d];
    direction.stream = stream_key(network_.seed(), static_cast<uint64_t>(run->index), d);
    direction.sizes = plan.side[d].sizes;
    direction.config = plan.side[d].config;
    direction.largest_taken = plan.side[1 - d].config.max_message;
    direction.tagged = direction.config.expires_after != 0 ||
                       direction.config.delivery == wire::Delivery::kLatest ||
                       direction.config.delivery == wire::Delivery::kUnreliable ||
                       direction.config.delivery == wire::Delivery::kUnordered;
    const transport::EndpointConfig& receiver =
        network_.peer(peer_of(*run, d == 0 ? 1 : 0)).config();
    direction.first_sequence = direction.next_unsent = receiver.first_sequence;
    direction.credit = receiver.initial_credit;
  }
  network_.set_timer(plan.open_at, peer_of(*run, 0), tag(Timer::kOpen, run->index, 0));
  channels_.push_back(std::move(run));
  return channels_.back()->index;
}

int Workload::peer_of(const ChannelRun& run, int side) const {
  const SessionPlan& plan = sessions_[static_cast<size_t>(run.plan.session)]->plan;
  return (side == 0) == run.plan.opened_by_initiator ? plan.initiator : plan.responder;
}

void Workload::set_timer(Duration after, Timer kind, int index, int side, int peer) {
  quiet_until_ = std::max(quiet_until_, network_.now() + after);
  network_.set_timer(network_.now() + after, peer, tag(kind, index, side));
}

bool Workload::run(Duration patience) {
  uint64_t seen = progress_;
  Time since = network_.now();
  Time outages_end = 0;
  for (int a = 0; a < network_.peer_count(); a++) {
    for (int b = 0; b < network_.peer_count(); b++) {
      if (a != b) outages_end = std::max(outages_end, network_.link(a, b).last_outage_end());
    }
  }
  while (!all_sessions_closed()) {
    if (!network_.step()) {
      network_.fail("nothing will happen any more, and the work is not done");
      return false;
    }
    if (progress_ != seen) {
      seen = progress_;
      since = network_.now();
    }
    if (network_.now() - std::max({since, outages_end, quiet_until_}) > patience) {
      network_.fail("no progress for %" PRId64 " s", patience / transport::kSecond);
      return false;
    }
  }
  return !network_.failed();
}

bool Workload::all_channels_closed() const {
  return std::all_of(channels_.begin(), channels_.end(), [](const auto& run) {
    return run->abandoned || (run->side[0].closed && (run->side[1].closed || !run->side[1].peer));
  });
}

bool Workload::all_sessions_closed() const {
  return std::all_of(sessions_.begin(), sessions_.end(), [](const auto& run) {
    return run->closed[0] && (run->closed[1] || run->side[1] == nullptr);
  });
}

void Workload::on_timer(SimPeer& peer, uint64_t tag) {
  const auto kind = static_cast<Timer>(tag >> 56);
  const int index = static_cast<int>(tag >> 1 & 0x7fffffff);
  const int side = static_cast<int>(tag & 1);
  switch (kind) {
    case Timer::kConnect:
      connect(session(index));
      break;
    case Timer::kOpen:
      open(channel(index));
      break;
    case Timer::kPush:
      channel(index).side[side].waiting = false;
      push(channel(index), side);
      break;
    case Timer::kRead:
      check_rest();
      channel(index).side[side].asleep = false;
      read_on(channel(index), side);
      break;
    case Timer::kMove:
      move(session(index >> 8), static_cast<size_t>(index & 0xff));
      break;
    case Timer::kBothMove:
      both_move(session(index));
      break;
    case Timer::kCloseSession:
      close_session(session(index), side);
      break;
    case Timer::kLie:
      lie();
      break;
    case Timer::kLieSeen:
      check_lie();
      break;
  }
  (void)peer;
}

std::string Workload::unfinished() const {
  std::string out;
  char line[256];
  for (const auto& run : channels_) {
    for (int side = 0; side < 2; side++) {
      const SideState& state = run->side[side];
      if (run->abandoned || state.closed) continue;
      const DirectionLedger& outgoing = run->ledger.direction[side];
      const DirectionLedger& incoming = run->ledger.direction[1 - side];
      std::snprintf(line, sizeof line,
                    "channel %" PRIu64 " side %d: pushed %" PRIu64 " of %" PRIu64 ", took %" PRIu64
                    " of %" PRIu64 "%s%s%s%s events %x",
                    run->ledger.id, side, outgoing.pushed, run->plan.side[side].messages,
                    incoming.delivered, incoming.pushed, state.peer == nullptr ? ", not there" : "",
                    state.waiting ? ", waiting" : "", state.asleep ? ", asleep" : "",
                    state.refused_run ? ", refused" : "", state.events);
      out += line;
      if (state.channel != nullptr) {
        const transport::ChannelCounters c = state.channel->counters();
        std::snprintf(line, sizeof line,
                      ", base %" PRIu64 ", in flight %" PRIu64 ", credit %" PRIu64 ", held %" PRIu64
                      ", unsent %" PRIu64 ", expected %" PRIu64 ", demand %d",
                      state.channel->base(), c.in_flight, c.credit_left, c.held_messages,
                      c.unsent_bytes, state.channel->inbound().expected(),
                      static_cast<int>(state.channel->inbound().demand()));
        out += line;
      }
      out += '\n';
    }
  }
  for (int i = 0; i < network_.peer_count(); i++) {
    if (!network_.peer(i).alive()) continue;
    const transport::EndpointCounters c = network_.peer(i).endpoint().counters();
    std::snprintf(line, sizeof line,
                  "peer %d: %" PRIu64 " in, %" PRIu64 " duplicates, %" PRIu64
                  " without memory, %" PRIu64 " requests for memory refused, %zu bytes in use\n",
                  i, c.datagrams_in, c.duplicates, c.no_memory, network_.peer(i).memory().refused(),
                  network_.peer(i).memory().in_use());
    out += line;
  }
  return out;
}

// --- Sessions.

void Workload::connect(SessionRun& run) {
  SimPeer& peer = network_.peer(run.plan.initiator);
  Session* session = peer.connect(run.plan.responder, run.plan.give_up_after);
  if (session == nullptr) {
    if (!failure_allowed_) {
      network_.fail("peer %d could not connect", peer.index());
      return;
    }
    set_timer(kRetry, Timer::kConnect, run.index, 0, peer.index());
    return;
  }
  run.side[0] = session;
  run.initiator_id = session->local_id();
  session->user = static_cast<uint64_t>(run.index) * 2 + 1;
}

void Workload::on_session(SimPeer& peer, Session& session, uint32_t events) {
  if (session.user == 0) {
    for (const auto& run : sessions_) {
      if (run->plan.responder == peer.index() && run->side[0] != nullptr &&
          run->initiator_id == session.remote_id() && run->side[1] == nullptr) {
        run->side[1] = &session;
        session.user = static_cast<uint64_t>(run->index) * 2 + 2;
      }
    }
  }
  if (session.user == 0) {
    if ((events & transport::kSessionClosed) != 0) session.release();
    return;
  }
  SessionRun& run = this->session(static_cast<int>((session.user - 1) / 2));
  const int side = static_cast<int>((session.user - 1) % 2);
  if ((events & transport::kSessionOpen) != 0) {
    run.opened[side] = true;
    progress_++;
  }
  if ((events & transport::kSessionClosed) != 0) {
    progress_++;
    run.closed[side] = true;
    run.reason[side] = session.reason();
    const bool dead = timed_out_rightly(run, side, session.reason());
    // Whose CLOSE was lost had nothing more to say.
    const bool left = run.closed[1 - side] && run.reason[1 - side].by == ClosedBy::kLocal;
    if (dead && run.opened[side] && !left) dead_paths_++;
    if (session.reason().code != wire::Code::kNoError || (session.reason().timed_out && !dead)) {
      failures_++;
      if (!failure_allowed_) {
        network_.fail("session %d of peer %d closed: %s%s '%.*s'", run.index, peer.index(),
                      wire::code_name(session.reason().code),
                      session.reason().timed_out ? ", timed out" : "",
                      session.reason().detail_length, session.reason().detail);
      }
    }
    session.release();
  }
}

// Whether nothing could be heard of the other side: the path carries nothing, it has closed (and
// its CLOSE was lost) or timed out itself, or it gave up a handshake of which it never saw the end.
bool Workload::timed_out_rightly(const SessionRun& run, int side,
                                 const transport::CloseReason& reason) {
  if (!reason.timed_out) {
    // The other side knows nothing of it any more, and has said so.
    const bool reset = reason.by == ClosedBy::kFailure && reason.code == wire::Code::kNoError;
    const transport::CloseReason& there = run.reason[1 - side];
    return reset && run.closed[1 - side] && (there.by == ClosedBy::kLocal || there.timed_out);
  }
  const auto idle = static_cast<Duration>(network_.peer(0).config().idle_timeout_ms);
  if (network_.path_seemed_dead(run.plan.initiator, run.plan.responder,
                                (idle + 5'000) * transport::kMillisecond)) {
    return true;
  }
  if (side == 0 && run.side[1] == nullptr) return true;
  const transport::CloseReason& other = run.reason[1 - side];
  return run.closed[1 - side] && (other.by == ClosedBy::kLocal || other.timed_out);
}

void Workload::maybe_close_session(SessionRun& run) {
  if (!run.plan.close_when_done || run.close_asked) return;
  for (const auto& channel : channels_) {
    if (channel->plan.session != run.index) continue;
    const bool other_closed = channel->side[1].closed || channel->side[1].peer == nullptr;
    if (!channel->abandoned && !(channel->side[0].closed && other_closed)) return;
  }
  run.close_asked = true;
  const int side = run.plan.closed_by_initiator ? 0 : 1;
  set_timer(transport::kMillisecond, Timer::kCloseSession, run.index, side,
            side == 0 ? run.plan.initiator : run.plan.responder);
}

// --- Channels.

void Workload::open(ChannelRun& run) {
  check_rest();
  const int side = run.plan.opened_by_initiator ? 0 : 1;
  SessionRun& session = *sessions_[static_cast<size_t>(run.plan.session)];
  SimPeer& peer = network_.peer(peer_of(run, 0));
  if (session.closed[side]) {
    run.abandoned = true;
    return;
  }
  uint8_t metadata[4];
  wire::store_u32(metadata, static_cast<uint32_t>(run.index));
  static constexpr uint8_t kService[] = {'s', 'i', 'm'};
  Channel* channel = nullptr;
  if (session.side[side] != nullptr) {
    channel = session.side[side]->open_channel(network_.now(), run.plan.side[0].config, kService,
                                               sizeof kService, metadata, sizeof metadata);
  }
  if (channel == nullptr) {
    set_timer(kRetry, Timer::kOpen, run.index, 0, peer.index());
    return;
  }
  run.opened = true;
  bind(run, 0, peer, *channel);
  network_.oracle().watch(session.side[side]->local_id().as_u64(), &run.ledger);
  start_reading(run, 0);
}

void Workload::bind(ChannelRun& run, int side, SimPeer& peer, Channel& channel) {
  run.ledger.id = channel.id();
  run.side[side].channel = &channel;
  run.side[side].peer = &peer;
  channel.user = static_cast<uint64_t>(run.index) * 2 + static_cast<uint64_t>(side) + 1;
  run.ledger.direction[side].sender = &channel;
  run.ledger.direction[1 - side].receiver = &channel;
}

void Workload::on_incoming(SimPeer& peer, Channel& channel) {
  uint32_t index = UINT32_MAX;
  if (channel.metadata_length() == 4) index = wire::load_u32(channel.metadata());
  if (index >= channels_.size() || channel.service_length() != 3 ||
      std::memcmp(channel.service(), "sim", 3) != 0) {
    network_.fail("peer %d: a channel nobody opened", peer.index());
    return;
  }
  ChannelRun& run = *channels_[index];
  if (run.side[1].peer != nullptr || run.ledger.id != channel.id()) {
    network_.fail("peer %d: channel %" PRIu64 " comes twice", peer.index(), channel.id());
    return;
  }
  bind(run, 1, peer, channel);
  progress_++;
  if (run.plan.refuse) {
    channel.refuse(network_.now(), run.plan.refuse_code, "no", 2);
    return;
  }
  channel.accept(network_.now(), run.plan.side[1].config);
  channel.accept(network_.now(), run.plan.side[1].config);  // the second time says nothing new
  start_reading(run, 1);
  start(run, 1);
}

void Workload::on_channel(SimPeer& peer, Channel& channel, uint32_t events) {
  if ((events & transport::kChannelIncoming) != 0) on_incoming(peer, channel);
  if (channel.user == 0) {
    if ((events & transport::kChannelClosed) != 0) channel.release(network_.now());
    return;
  }
  ChannelRun& run = this->channel(static_cast<int>((channel.user - 1) / 2));
  const int side = static_cast<int>((channel.user - 1) % 2);
  SideState& state = run.side[side];
  if (state.closed) {
    network_.fail("channel %" PRIu64 ": an event after the last one", channel.id());
    return;
  }
  state.events |= events;
  if ((events & transport::kChannelAccepted) != 0) {
    progress_++;
    start(run, side);
  }
  if ((events & transport::kChannelWritable) != 0) {
    state.waiting = false;
    push(run, side);
  }
  if ((events & transport::kChannelReadable) != 0) on_readable(run, side);
  if ((events & transport::kChannelEnded) != 0) on_ended(run, side);
  if ((events & transport::kChannelClosed) != 0) on_closed(run, side);
}

// Whether everything has come that has to, now that the direction has ended.
bool Workload::all_delivered(const DirectionLedger& direction) {
  switch (direction.config.delivery) {
    case wire::Delivery::kUnreliable:
      return true;
    case wire::Delivery::kLatest:
      // The newest always comes, unless it has expired.
      return direction.config.expires_after != 0 || direction.pushed == 0 ||
             direction.newest_end == direction.end();
    case wire::Delivery::kOrdered:
    case wire::Delivery::kUnordered:
      break;
  }
  return direction.config.expires_after != 0 || direction.delivered == direction.pushed;
}

void Workload::on_ended(ChannelRun& run, int side) {
  progress_++;
  const DirectionLedger& incoming = run.ledger.direction[1 - side];
  // An END may have been a lie.
  if (!all_delivered(incoming) && lied_on_ != run.index) {
    network_.fail("channel %" PRIu64 " ended after %" PRIu64 " of %" PRIu64 " messages",
                  run.ledger.id, incoming.delivered, incoming.pushed);
  }
  // A newer one may replace what has arrived, and nothing else may take it away.
  if (!incoming.tagged || incoming.config.delivery == wire::Delivery::kLatest) return;
  for (uint64_t i = 0; i < incoming.arrived.size() * 64; i++) {
    if (!has_bit(incoming.arrived, i) || has_bit(incoming.taken, i)) continue;
    network_.fail("channel %" PRIu64 ": message %" PRIu64 " arrived and was not handed over",
                  run.ledger.id, incoming.first_sequence + i);
    return;
  }
}

void Workload::on_closed(ChannelRun& run, int side) {
  SideState& state = run.side[side];
  progress_++;
  state.closed = true;
  state.reason = state.channel->reason();
  state.unacknowledged = state.channel->unacknowledged();
  const DirectionLedger& outgoing = run.ledger.direction[side];
  const DirectionLedger& incoming = run.ledger.direction[1 - side];
  const SessionRun& session = *sessions_[static_cast<size_t>(run.plan.session)];
  const int session_side = (side == 0) == run.plan.opened_by_initiator ? 0 : 1;
  const bool planned = timed_out_rightly(session, session_side, state.reason) || run.plan.refuse ||
                       run.plan.side[0].reset_after != UINT64_MAX ||
                       run.plan.side[1].reset_after != UINT64_MAX ||
                       (state.reason.code == wire::Code::kIdle && idles(run.plan));
  const bool in_peace = state.reason.code == wire::Code::kNoError && !state.reason.timed_out;
  const bool complete = all_delivered(incoming) && state.unacknowledged == 0;
  if (!planned && !(in_peace && complete)) {
    failures_++;
    if (!failure_allowed_ && in_peace) {
      network_.fail("channel %" PRIu64 " closed in peace, %" PRIu64 " of %" PRIu64
                    " messages delivered, %" PRIu64 " not acknowledged",
                    run.ledger.id, incoming.delivered, incoming.pushed, state.unacknowledged);
    } else if (!failure_allowed_) {
      network_.fail("channel %" PRIu64 " of peer %d closed: %s '%.*s'", run.ledger.id,
                    state.peer->index(), wire::code_name(state.reason.code),
                    state.reason.detail_length, state.reason.detail);
    }
  }
  if (in_peace && complete && !planned && state.watched &&
      (state.events & transport::kChannelAcknowledged) == 0) {
    network_.fail("channel %" PRIu64 ": nobody said that everything was acknowledged",
                  run.ledger.id);
  }
  const transport::ChannelCounters counters = state.channel->counters();
  if (counters.messages_received < incoming.delivered && !incoming.tagged) {
    network_.fail("channel %" PRIu64 ": %" PRIu64 " messages handed over, %" PRIu64 " received",
                  run.ledger.id, incoming.delivered, counters.messages_received);
  }
  if (state.unacknowledged > outgoing.pushed) {
    network_.fail("channel %" PRIu64 ": more unacknowledged than sent", run.ledger.id);
  }
  run.ledger.direction[side].sender = nullptr;
  run.ledger.direction[side].sender_gone = true;
  run.ledger.direction[1 - side].receiver = nullptr;
  state.channel->release(network_.now());
  state.channel = nullptr;
  maybe_close_session(*sessions_[static_cast<size_t>(run.plan.session)]);
}

}  // namespace hawser::sim
