#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "sim/clear_security.h"
#include "sim/content.h"
#include "sim/sim_memory.h"
#include "sim/sim_random.h"
#include "test/fuzz/check.h"
#include "transport/endpoint.h"
#include "transport/message_sink.h"
#include "transport/noise_security.h"
#include "transport/packet_tap.h"
#include "transport/runtime.h"
#include "wire/frames.h"

namespace hawser::fuzz {

using transport::Channel;
using transport::CloseReason;
using transport::PathAddress;
using transport::Session;
using transport::Time;

// What both peers and the script know of the run.
struct Truth {
  // Somebody said what no honest peer would: from now on only the structure is checked.
  bool lied = false;
  // An allocation was made to fail.
  bool starved = false;
  // A session gave up because nothing came.
  bool timed_out = false;
  // Lengths of the messages pushed, by channel number * 2 + side.
  std::map<uint64_t, std::vector<size_t>> pushed;
  // Channels whose messages need not all come, or not in order.
  std::map<uint64_t, bool> loose;
  // Channels that somebody reset or refused on purpose, or whose session was closed.
  std::map<uint64_t, bool> cut_short;
};

// Whatever the input: an end has somebody who brought it about, and one of the codes of
// PROTOCOL.md §7.
inline void check_reason(const CloseReason& reason, const Truth& truth) {
  FUZZ_CHECK(reason.by != transport::ClosedBy::kNobody, "an end without a reason");
  FUZZ_CHECK(wire::code_name(reason.code)[0] != 'U' || reason.code == wire::Code::kServiceUnknown,
             "an end without a code");
  if (truth.lied) return;
  const bool own_failure =
      reason.code != wire::Code::kNoError && reason.code < wire::Code::kCancelled;
  FUZZ_CHECK(!own_failure || (truth.starved && reason.code == wire::Code::kOutOfMemory),
             "honest peers ended with %s: %.*s", wire::code_name(reason.code), reason.detail_length,
             reason.detail);
}

// One side of a channel as its application sees it.
struct Side {
  Channel* channel = nullptr;  // until it is closed
  uint64_t key = 0;            // channel number * 2 + side: what this side sends
  uint64_t first = 0;          // sequence of the first message there is
  uint64_t next = 0;           // sequence of the next message to be handed over
  uint64_t received = 0;
  std::set<uint64_t> handed;  // sequences handed over, where they need not come in order
  bool ended = false;
  bool refused = false;  // a run was refused: ask again
  CloseReason reason;
};

// How a whole network is protected.
struct Protected {
  bool on = false;  // otherwise packets can be read, and are made by hand
  crypto::ProtectionLimits limits;
};

// Who `number` is. The owner hands it to an endpoint, or retires it.
inline transport::Security* make_security(transport::Memory& memory, uint8_t number,
                                          const Protected& how) {
  wire::PeerIdBytes name{};
  name.bytes[0] = number;
  if (!how.on) return memory.create<sim::ClearSecurity>(name);
  auto* made = memory.create<transport::NoiseSecurity>();
  transport::NoiseSecurityConfig config;
  config.seed = name.bytes;
  config.limits = how.limits;
  FUZZ_CHECK(made->init(config), "no libcrypto");
  return made;
}

// A datagram, and how it reads: the same bytes unless it is sealed; none if nobody can know.
struct Sent {
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> clear;
};

// An endpoint, driven in the way that transport/runtime.h asks of its owner, with an application
// that does what it is told and checks what it gets.
class FuzzPeer final : private transport::MessageSink, private transport::PacketTap {
 public:
  FuzzPeer(uint8_t number, Time now, const transport::EndpointConfig& config, const Protected& how,
           Truth& truth)
      : truth_(truth),
        number_(number),
        memory_(number),
        random_(1, number),
        runtime_(memory_, random_, now),
        config_(config),
        endpoint_(runtime_, config_, *make_security(memory_, number, how)) {
    runtime_.set_tap(this);
    endpoint_.set_accepting(true);
  }
  // Every allocation comes back.
  ~FuzzPeer() {
    endpoint_.destroy_all();
    for (transport::Handshake* handshake : computed_) runtime_.finish(0, handshake);
    runtime_.collect();
    endpoint_.pool().trim();
  }

  static PathAddress address_of(uint8_t number) {
    PathAddress address;
    address.bytes[0] = number;
    return address;
  }

  sim::SimMemory& memory() { return memory_; }
  transport::Endpoint& endpoint() { return endpoint_; }
  transport::Runtime& runtime() { return runtime_; }
  std::vector<Session*>& sessions() { return sessions_; }
  std::vector<std::unique_ptr<Side>>& sides() { return sides_; }
  uint32_t refusals = 0;  // of the next runs offered
  // Handshakes are computed, but nobody hears of it.
  bool holds_handshakes = false;
  // By channel number: how the side that accepts is to be.
  static constexpr size_t kConfigs = 16;
  transport::ChannelConfig configs[kConfigs];

  void connect(Time now, uint8_t remote, const wire::PeerIdBytes& id) {
    const PathAddress to = address_of(remote);
    Session* session = endpoint_.connect(now, id, &to, 1, now + 10 * transport::kSecond);
    if (session != nullptr) sessions_.push_back(session);
  }

  // `channel_number` tells the other side which channel it is.
  void open(Time now, Session& session, uint32_t channel_number,
            const transport::ChannelConfig& config, const char* service) {
    uint8_t metadata[4];
    wire::store_u32(metadata, channel_number);
    Channel* channel =
        session.open_channel(now, config, reinterpret_cast<const uint8_t*>(service),
                             std::char_traits<char>::length(service), metadata, sizeof metadata);
    if (channel == nullptr) return;
    hold(*channel, uint64_t{channel_number} * 2);
    channel->set_demand(now, transport::Demand::kContinuous);
  }

  void push(Time now, Side& side, uint32_t count, size_t length) {
    std::vector<size_t>& pushed = truth_.pushed[side.key];
    for (; count != 0; count--) {
      std::vector<uint8_t> body(length);
      sim::fill_message(content(side.key, side.channel->written_sequence()), body.data(), length);
      Channel::Push result = side.channel->push(body.data(), length);
      if (result == Channel::Push::kNoRoom) {
        result = side.channel->push_locked(body.data(), length);
      }
      if (result != Channel::Push::kTaken && result != Channel::Push::kFull) break;
      pushed.push_back(length);
    }
    side.channel->flush(now);
  }

  void receive(Time now, const PathAddress& from, const std::vector<uint8_t>& bytes) {
    std::vector<uint8_t> exact(bytes);  // opened in place, and not a byte longer
    runtime_.set_sink(this);
    endpoint_.receive(now, from, exact.data(), exact.size());
    runtime_.set_sink(nullptr);
  }

  // A packet of the first session that is open, around frames that it would not send. Nothing:
  // there is none, or no memory, or it does not fit.
  std::vector<uint8_t> seal(Time now, const std::vector<uint8_t>& frames) {
    transport::Train train;
    train.buffer = train_.get();
    train.capacity = kTrainBytes;
    const auto open = std::find_if(sessions_.begin(), sessions_.end(),
                                   [](const Session* session) { return session->open(); });
    const bool built =
        open != sessions_.end() && (*open)->build_foreign(now, frames.data(), frames.size(), train);
    clear_.clear();
    if (!built) return {};
    return {train.buffer, train.buffer + train.length};
  }

  // Timers, output, events, until nothing is left to do now. send(to, Sent).
  template <typename Send>
  void service(Time now, Send send) {
    for (int round = 0;; round++) {
      FUZZ_CHECK(round < 10'000, "peer %d never comes to rest", number_);
      runtime_.set_sink(this);
      runtime_.run_timers(now);
      compute(now);
      transmit(now, send);
      runtime_.set_sink(nullptr);
      events(now);
      if (!runtime_.has_events() && !runtime_.has_output() && !runtime_.has_handshakes()) break;
    }
    FUZZ_CHECK(memory_.misuse() == nullptr, "%s", memory_.misuse());
    FUZZ_CHECK(memory_.in_use() <= kMostMemory, "peer %d keeps %zu bytes", number_,
               memory_.in_use());
  }
  Time next_timeout() const {
    return runtime_.has_events() || runtime_.has_handshakes() ? 0 : runtime_.next_timeout();
  }

  // Hands over what waits.
  void deliver(Time now, Side& side) {
    side.refused = false;
    runtime_.set_sink(this);
    side.channel->deliver(now);
    runtime_.set_sink(nullptr);
  }

 private:
  // Eight channels of either side with 64 KiB of credit and as much to send, sixteen sessions, and
  // what is recycled.
  static constexpr size_t kMostMemory = size_t{12} << 20;
  static constexpr size_t kTrainBytes = 65'535;
  // Longer datagrams are refused.
  static constexpr size_t kInterfaceMtu = 8'000;

  static uint64_t content(uint64_t key, uint64_t sequence) {
    return sim::message_key(sim::stream_key(5, key, 0), sequence);
  }

  Side& hold(Channel& channel, uint64_t key) {
    sides_.push_back(std::make_unique<Side>());
    Side& side = *sides_.back();
    side.channel = &channel;
    side.key = key;
    side.first = side.next = endpoint_.config().first_sequence;
    channel.user = sides_.size();
    return side;
  }

  bool take(Channel& channel, uint64_t first, const uint8_t* run, size_t length,
            uint32_t count) override {
    FUZZ_CHECK(channel.user != 0, "messages before the application knows the channel");
    Side& side = *sides_[channel.user - 1];
    FUZZ_CHECK(side.channel == &channel && !side.ended, "messages behind the end");
    if (refusals != 0) {
      refusals--;
      side.refused = true;
      return false;
    }
    // A liar may skip messages, or ask for another delivery.
    const bool loose = truth_.lied || truth_.loose[side.key / 2];
    FUZZ_CHECK(count != 0 && (loose || first == side.next), "not once, or out of order");
    for (uint32_t i = 0; i < count; i++) {
      FUZZ_CHECK(first + i >= side.first && side.handed.insert(first + i).second,
                 "handed over twice");
    }
    const std::vector<size_t>& pushed = truth_.pushed[side.key ^ 1];
    const uint8_t* const end = run + length;
    for (uint32_t i = 0; i < count; i++) {
      FUZZ_CHECK(run < end, "a run shorter than it says");
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      if (!loose) {
        FUZZ_CHECK(side.received + i < pushed.size() && pushed[side.received + i] == size,
                   "a message nobody sent");
        FUZZ_CHECK(sim::is_message(content(side.key ^ 1, first + i), body, size),
                   "another message");
      }
    }
    FUZZ_CHECK(run == end, "a run longer than it says");
    side.next += count;
    side.received += count;
    return true;
  }

  void on_packet(const Session& session, uint64_t number, const uint8_t* frames,
                 size_t length) override {
    std::vector<uint8_t> packet(wire::kPacketOverhead + length);
    wire::write_data_header(packet.data(),
                            wire::DataHeader{session.remote_id(), static_cast<uint32_t>(number)});
    std::copy_n(frames, length, packet.data() + wire::kHeaderBytes);
    clear_.push_back(std::move(packet));
  }

  void compute(Time now) {
    while (transport::Handshake* handshake = runtime_.next_handshake()) {
      handshake->compute();
      computed_.push_back(handshake);
    }
    if (holds_handshakes) return;
    for (transport::Handshake* handshake : std::exchange(computed_, {})) {
      runtime_.finish(now, handshake);
    }
  }

  template <typename Send>
  void transmit(Time now, Send send) {
    clear_.clear();
    transport::Train train;
    train.buffer = train_.get();
    train.capacity = kTrainBytes;
    while (runtime_.transmit(now, train)) {
      FUZZ_CHECK(
          train.length != 0 && train.segment_size != 0 && train.length <= train.capacity &&
              train.segments == (train.length + train.segment_size - 1) / train.segment_size &&
              train.segments <= 64,
          "a train that contradicts itself");
      const bool refused = train.has_packets && train.segment_size > kInterfaceMtu;
      if (refused) {
        endpoint_.on_refused(now, train.session, train.first_number, 0, train.segment_size);
        train.length = 0;
      }
      size_t segment = 0;
      for (size_t at = 0; at < train.length; at += train.segment_size) {
        const uint8_t* const bytes = train.buffer + at;
        Sent sent;
        sent.bytes.assign(bytes, bytes + std::min(train.length - at, train.segment_size));
        if (segment < clear_.size()) {
          sent.clear = clear_[segment++];
          FUZZ_CHECK(sent.clear.size() == sent.bytes.size(), "sealed to another length");
        } else if (bytes[0] >= 0x90) {
          sent.clear = sent.bytes;
        }
        send(train.to, std::move(sent));
      }
      clear_.clear();
      train.max_segments = 64;
      train.segments = train.segment_size = train.length = 0;
    }
  }

  void events(Time now) {
    while (Session* session = runtime_.next_session()) on_session(*session);
    while (Channel* channel = runtime_.next_channel()) on_channel(now, *channel);
    for (size_t i = 0; i < sides_.size(); i++) {
      if (sides_[i]->channel != nullptr && sides_[i]->refused) deliver(now, *sides_[i]);
    }
  }

  void on_session(Session& session) {
    const uint32_t events = session.take_events();
    const auto known = std::find(sessions_.begin(), sessions_.end(), &session);
    if ((events & transport::kSessionOpen) != 0 && known == sessions_.end()) {
      sessions_.push_back(&session);
    }
    if ((events & transport::kSessionClosed) == 0) return;
    check_reason(session.reason(), truth_);
    if (session.reason().timed_out) truth_.timed_out = true;
    sessions_.erase(std::remove(sessions_.begin(), sessions_.end(), &session), sessions_.end());
    session.release();
  }

  void on_channel(Time now, Channel& channel) {
    const uint32_t events = channel.take_events();
    if ((events & transport::kChannelIncoming) != 0) on_incoming(now, channel);
    if (channel.user == 0) {
      FUZZ_CHECK((events & transport::kChannelClosed) != 0, "an unknown channel");
      channel.release(now);
      return;
    }
    Side& side = *sides_[channel.user - 1];
    FUZZ_CHECK(side.channel == &channel, "an event behind the last one");
    if ((events & transport::kChannelReadable) != 0) deliver(now, side);
    if ((events & transport::kChannelEnded) != 0) {
      FUZZ_CHECK(truth_.lied || truth_.loose[side.key / 2] ||
                     side.received == truth_.pushed[side.key ^ 1].size(),
                 "ended before everything came");
    }
    if ((events & transport::kChannelClosed) == 0) return;
    check_reason(channel.reason(), truth_);
    side.reason = channel.reason();
    side.channel = nullptr;
    side.ended = true;
    channel.release(now);
  }

  void on_incoming(Time now, Channel& channel) {
    FUZZ_CHECK(channel.user == 0, "a channel came twice");
    uint64_t number = 0xffff'ffff;
    if (channel.metadata_length() == 4) number = wire::load_u32(channel.metadata());
    FUZZ_CHECK(truth_.lied || number < 0xffff, "a channel nobody opened");
    hold(channel, number * 2 + 1);
    const uint8_t service = channel.service()[0];
    if (service == 'r') {
      truth_.cut_short[number] = true;
      channel.refuse(now, wire::Code::kServiceRefused, "no", 2);
      return;
    }
    channel.accept(now, configs[number % kConfigs]);
    channel.set_demand(now, service == 'l'   ? transport::Demand::kNone
                            : service == 'o' ? transport::Demand::kOnce
                                             : transport::Demand::kContinuous);
  }

  Truth& truth_;
  const uint8_t number_;
  sim::SimMemory memory_;
  sim::SimRandom random_;
  transport::Runtime runtime_;
  const transport::EndpointConfig config_;
  transport::Endpoint endpoint_;
  std::unique_ptr<uint8_t[]> train_{new uint8_t[kTrainBytes]};
  // Of the train that is built.
  std::vector<std::vector<uint8_t>> clear_;
  std::vector<transport::Handshake*> computed_;
  std::vector<Session*> sessions_;
  std::vector<std::unique_ptr<Side>> sides_;
};

}  // namespace hawser::fuzz
