// What a session does with packets that arrive, and with what becomes of those it sent.

#include <algorithm>
#include <cstdio>

#include "transport/endpoint.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {
// Channels of which the peer has sent frames but not the OPEN. More come only from a peer that
// never sends it: the frames of one more are not taken, nor is the packet acknowledged.
constexpr uint32_t kMostUnannounced = 64;
// A COUNT from a packet that came later than by this many could lie so far below the base that its
// 32 bits are taken for another number (PROTOCOL.md 5.4).
constexpr uint64_t kOldestCount = 16'384;
}  // namespace

void Session::on_data(Time now, const PathAddress& from, uint8_t* data, size_t length) {
  EndpointCounters& dropped = endpoint_.mutable_counters();
  // A handshake stays where it began.
  const bool strays = state_ == State::kHalfOpen && !(from == path_.address);
  if (keys_.protection == nullptr || state_ == State::kGone || strays) {
    dropped.unknown_session++;
    return;
  }
  uint64_t number = 0;
  const bool opened = open_packet(now, data, length, number);
  if (!opened || !unpark(now)) {
    if (opened) dropped.no_memory++;
    // Whoever has seen the connection id can send a packet that does not open: it wakes nobody.
    if (parked_) keys_.protection->park();
    return;
  }
  if (state_ == State::kHalfOpen) {
    endpoint_.on_half_open_done(this);
    Session* heir = endpoint_.heir_of(*this);
    if (heir != nullptr && heir->adopt(now, *this)) {
      heir->take_packet(now, from, number, data, length);
      return;
    }
    if (!expects_reset_) (void)endpoint_.expect_reset(this, remote_reset_);
    if (endpoint_.admits_proven(*this)) {
      open_now(now);
    } else {
      refuse_now(now);
    }
  }
  take_packet(now, from, number, data, length);
}

bool Session::open_packet(Time now, uint8_t* data, size_t length, uint64_t& number) {
  EndpointCounters& dropped = endpoint_.mutable_counters();
  // Reserved flags are set in most of what others make: the tag cannot check either, then.
  wire::DataHeader header{};
  if (!keys_.protection->unmask(data, length) || !wire::read_data_header(data, length, header)) {
    dropped.unauthenticated++;
    return false;
  }
  number = wire::expand32(received_.any() ? received_.largest() + 1 : 0, header.number);
  // Before it is opened: what was recorded costs us nothing, however often it comes again.
  if (received_.seen_or_too_old(number)) {
    dropped.duplicates++;
    return false;
  }
  switch (keys_.protection->open(number, data, length)) {
    case crypto::PacketProtection::Opened::kYes:
      return true;
    case crypto::PacketProtection::Opened::kForged:
      dropped.unauthenticated++;
      return false;
    case crypto::PacketProtection::Opened::kExhausted:
      dropped.unauthenticated++;
      (void)protocol_error(now, wire::Code::kKeysExhausted, "too many forged packets");
      return false;
  }
  return false;
}

void Session::take_packet(Time now, const PathAddress& from, uint64_t number, const uint8_t* data,
                          size_t length) {
  EndpointCounters& dropped = endpoint_.mutable_counters();
  note_epoch(now);
  // After a longer silence than keep-alive allows the path is back: what was sent meanwhile had no
  // chance, and the next probe may be a while off.
  if (unanswered_.since != kNever && now - last_received_ > idle_timeout() / 12 * 5) {
    unanswered_.since = now;
  }
  last_received_ = last_activity_ = now;
  totals_.packets_received++;
  totals_.bytes_received += length;
  if (state_ != State::kOpen) {
    on_packet_while_closing(now, data + wire::kHeaderBytes, length - wire::kPacketOverhead);
    return;
  }
  bool eliciting = false;
  reading_.prompt = false;
  reading_.challenged = false;
  reading_.origin = &from;
  reading_.counts_current = !received_.any() || number + kOldestCount >= received_.largest();
  const Taken taken =
      on_frames(now, data + wire::kHeaderBytes, length - wire::kPacketOverhead, eliciting);
  if (taken == Taken::kClosed || state_ != State::kOpen) return;
  if (taken == Taken::kNoMemory || !acks_.on_packet(now, number, eliciting && reading_.prompt)) {
    dropped.no_memory++;
    rearm(now);  // an ACK in it has been applied
    return;
  }
  const bool newest = !received_.any() || number > received_.largest();
  // Most sessions of a server never see so many packets. Without memory the window stays short.
  if (!received_.reaches(number) && !received_.ensure(kDuplicateWindow)) received_.put_off();
  received_.mark(number);
  if (reception_.on_packet(number)) advise_channels();
  const bool here = from == path_.address;
  if (here && number > path_.largest) path_.largest = number;
  if (paths_.trial != nullptr || !here) {
    note_origin(now, from, number, length, newest);
    if (state_ != State::kOpen) return;
  }
  if (acks_.ack_due(now)) runtime_.make_ready(this);
  rearm(now);
}

void Session::on_packet_while_closing(Time now, const uint8_t* frames, size_t length) {
  if (state_ != State::kClosing) return;
  // The peer closed too: nothing more needs to be said.
  wire::FrameReader reader(frames, length);
  wire::Frame frame;
  while (reader.next(frame) == wire::FrameReader::Next::kFrame) {
    if (frame.type() != wire::FrameType::kClose) continue;
    state_ = State::kDraining;
    closing_.wanted = false;
    rearm(now);
    return;
  }
  closing_.packets++;
  if ((closing_.packets & (closing_.packets - 1)) == 0) {
    closing_.wanted = true;
    runtime_.make_ready(this);
  }
}

// What finds no memory keeps nothing else from being heard: behind it may be the ACK, COUNT or
// CREDIT that frees some. But messages behind it would take what it needs when it comes again.
Session::Taken Session::on_frames(Time now, const uint8_t* frames, size_t length, bool& eliciting) {
  wire::FrameReader reader(frames, length);
  wire::Frame frame;
  Taken all = Taken::kYes;
  for (;;) {
    switch (reader.next(frame)) {
      case wire::FrameReader::Next::kEnd:
        if (reader.skipped() != 0) eliciting = reading_.prompt = true;
        return all;
      case wire::FrameReader::Next::kError:
        return protocol_error(now, wire::Code::kFrameEncoding, reader.error());
      case wire::FrameReader::Next::kFrame:
        break;
    }
    const bool data =
        frame.type() == wire::FrameType::kMessage || frame.type() == wire::FrameType::kFragment;
    if (wire::is_ack_eliciting(frame.type())) {
      eliciting = true;
      if (!data) reading_.prompt = true;
    }
    if (data && all == Taken::kNoMemory) continue;
    const Taken taken = on_frame(now, frame);
    if (taken == Taken::kClosed) return taken;
    if (taken == Taken::kNoMemory) all = taken;
  }
}

Session::Taken Session::on_frame(Time now, const wire::Frame& frame) {
  using wire::FrameType;
  Taken taken = Taken::kYes;
  Channel* channel = nullptr;
  switch (frame.type()) {
    case FrameType::kMessage:
      channel = channel_for(now, frame.message.channel, taken);
      if (channel == nullptr || !channel->peer_counted()) reading_.prompt = true;
      return channel == nullptr ? taken : on_stored(now, channel->on_message(now, frame.message));
    case FrameType::kFragment:
      channel = channel_for(now, frame.fragment.channel, taken);
      if (channel == nullptr || !channel->peer_counted()) reading_.prompt = true;
      return channel == nullptr ? taken : on_stored(now, channel->on_fragment(now, frame.fragment));
    case FrameType::kAck:
      return on_ack(now, frame.ack);
    case FrameType::kCount:
      return reading_.counts_current ? on_count(now, frame.count) : Taken::kYes;
    case FrameType::kAckNow:
      acks_.request_now();
      return Taken::kYes;
    case FrameType::kAckPolicy: {
      AckPolicy policy;
      policy.generation = frame.ack_policy.generation;
      policy.packets = frame.ack_policy.packets;
      policy.max_delay = Duration{frame.ack_policy.max_delay_us} * kMicrosecond;
      policy.reordering_threshold = frame.ack_policy.reordering_threshold;
      acks_.set_policy(policy);
      return Taken::kYes;
    }
    case FrameType::kWindow:
      channel = channel_for(now, frame.window.channel, taken);
      if (channel != nullptr && !channel->on_window(frame.window)) {
        return protocol_error(now, wire::Code::kChannelState, "a window of another mode");
      }
      return taken;
    case FrameType::kWindowHint:
      channel = channel_for(now, frame.window_hint.channel, taken);
      if (channel != nullptr) channel->on_window_hint(frame.window_hint);
      return taken;
    case FrameType::kRequest:
      channel = channel_for(now, frame.request.channel, taken);
      if (channel != nullptr) channel->on_request(now, frame.request);
      return taken;
    case FrameType::kSkip:
      channel = channel_for(now, frame.skip.channel, taken);
      return channel == nullptr ? taken : on_stored(now, channel->on_skip(now, frame.skip));
    case FrameType::kCountNow:
      channel = channels_.find(frame.count_now.channel);
      if (channel != nullptr) channel->on_count_now(now);
      return taken;
    case FrameType::kCredit:
      channel = channel_for(now, frame.credit.channel, taken);
      if (channel != nullptr) channel->on_credit(now, frame.credit.limit);
      return taken;
    case FrameType::kBlocked:
      channel = channel_for(now, frame.blocked.channel, taken);
      if (channel != nullptr) channel->on_blocked(frame.blocked.wanted);
      return taken;
    case FrameType::kMaxChannels:
      return on_max_channels(frame.max_channels.total);
    case FrameType::kOpen:
      return on_open(now, frame.open);
    case FrameType::kAccept:
      channel = channel_for(now, frame.accept.channel, taken);
      if (channel != nullptr) channel->on_accept(now, frame.accept);
      return taken;
    case FrameType::kEnd:
      return on_end(now, frame.end);
    case FrameType::kReset:
      return on_reset(now, frame.reset);
    case FrameType::kClose:
      return on_close(now, frame.close);
    case FrameType::kCrypto:
      return on_crypto(now, frame.crypto);
    case FrameType::kPathChallenge:
      on_path_challenge(frame.path_challenge.data);
      return Taken::kYes;
    case FrameType::kPathResponse:
      if (paths_.trial != nullptr)
        (void)paths_.trial->validation.on_response(now, frame.path_response.data);
      return Taken::kYes;
    case FrameType::kPadding:
    case FrameType::kPing:
      return Taken::kYes;
  }
  return Taken::kYes;
}

Channel* Session::channel_for(Time now, uint64_t id, Taken& taken, bool names) {
  if (Channel* channel = channels_.find(id); channel != nullptr) return channel;
  const bool ours = ((id & 1) != 0) == initiator_;
  const uint64_t ordinal = (id + 1) / 2;
  if (id == 0 || (ours && ordinal >= limits_.next_ordinal)) {
    taken = protocol_error(now, wire::Code::kChannelState, "frame for a channel never opened");
    return nullptr;
  }
  if (ours || remote_used_.contains(ordinal)) return nullptr;
  if (ordinal > limits_.told) {
    taken = protocol_error(now, wire::Code::kChannelLimit, "more channels than allowed");
    return nullptr;
  }
  if (!names && limits_.unannounced >= kMostUnannounced) {
    taken = Taken::kNoMemory;  // comes again, after its OPEN
    return nullptr;
  }
  if (!remote_used_.add(ordinal, ordinal + 1)) {
    taken = Taken::kNoMemory;
    return nullptr;
  }
  Channel* channel = make_channel(id, true);
  if (channel == nullptr) {
    (void)remote_used_.remove(ordinal, ordinal + 1);
    taken = Taken::kNoMemory;
    return nullptr;
  }
  limits_.unannounced++;
  totals_.channels_accepted++;
  return channel;
}

Session::Taken Session::on_stored(Time now, Inbound::Result result) {
  switch (result) {
    case Inbound::Result::kTaken:
    case Inbound::Result::kDuplicate:
      return Taken::kYes;
    case Inbound::Result::kNoMemory:
    case Inbound::Result::kExcessive:
      return Taken::kNoMemory;
    case Inbound::Result::kTooMuch:
      return protocol_error(now, wire::Code::kFlowControl, "messages beyond the credit");
    case Inbound::Result::kTooLarge:
      return protocol_error(now, wire::Code::kMessageTooLarge, "message longer than allowed");
    case Inbound::Result::kBadState:
      return protocol_error(now, wire::Code::kChannelState,
                            "message beyond the end, or of another length than before");
  }
  return Taken::kYes;
}

Session::Taken Session::on_open(Time now, const wire::Open& frame) {
  const bool ours = ((frame.channel & 1) != 0) == initiator_;
  if (ours) return protocol_error(now, wire::Code::kChannelState, "OPEN with an id of ours");
  Taken taken = Taken::kYes;
  Channel* channel = channel_for(now, frame.channel, taken, true);
  if (channel == nullptr) return taken;
  const bool announced = channel->announced();
  if (!channel->on_open(now, frame)) return Taken::kNoMemory;
  if (!announced && channel->announced()) limits_.unannounced--;
  return Taken::kYes;
}

Session::Taken Session::on_end(Time now, const wire::End& frame) {
  Taken taken = Taken::kYes;
  Channel* channel = channel_for(now, frame.channel, taken);
  if (channel == nullptr || channel->gone()) return taken;
  if (!channel->inbound().set_final(frame.final_sequence)) {
    return protocol_error(now, wire::Code::kChannelState, "contradictory end of a channel");
  }
  channel->on_end(now);
  return Taken::kYes;
}

Session::Taken Session::on_reset(Time now, const wire::Reset& frame) {
  Taken taken = Taken::kYes;
  Channel* channel = channel_for(now, frame.channel, taken, true);
  if (channel == nullptr) return taken;
  if (!channel->gone() && !channel->inbound().set_final(frame.final_sequence)) {
    return protocol_error(now, wire::Code::kChannelState, "contradictory end of a channel");
  }
  channel->on_reset(now, frame);
  return Taken::kYes;
}

Session::Taken Session::on_close(Time now, const wire::Close& frame) {
  reason_.set(CloseReason::make(ClosedBy::kRemote, wire::code_from_wire(frame.code),
                                reinterpret_cast<const char*>(frame.reason), frame.reason_length));
  state_ = State::kDraining;
  closing_.until = now + closing_time();
  runtime_.not_ready(this);
  close_channels();
  rearm(now);
  return Taken::kClosed;
}

Session::Taken Session::on_max_channels(uint64_t total) {
  const uint64_t before = limits_.allowed;
  limits_.allowed = std::max(before, total);
  if (before == limits_.allowed || before + 1 >= limits_.next_ordinal) return Taken::kYes;
  // Few wait, and they are the newest; a look at each is cheap enough for so rare a frame.
  for (Channel* c = all_channels_.front(); c != nullptr; c = all_channels_.next(c)) {
    const uint64_t ordinal = (c->id() + 1) / 2;
    if (!c->incoming() && ordinal > before && ordinal <= limits_.allowed) c->allow_open();
  }
  return Taken::kYes;
}

Session::Taken Session::on_count(Time now, const wire::Count& count) {
  for (uint32_t i = 0; i < count.entry_count; i++) {
    Channel* channel = channels_.find(count.entries[i].channel);
    if (channel == nullptr) continue;
    if (!channel->on_count(now, count.entries[i].count32)) {
      return protocol_error(now, wire::Code::kAckInvalid, "count of messages never sent");
    }
  }
  return Taken::kYes;
}

}  // namespace hawser::transport
