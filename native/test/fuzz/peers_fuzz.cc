// Two peers with a wire between them that the input cuts, mixes up, and lies on. Nothing crashes,
// leaks, hangs or grows without bound; sessions and channels end with a reason; what is handed over
// is in sequence and comes once. While nobody has lied, it is also what was sent, and all of it.
//
// Half of the networks can be read, so that the input makes packets as it likes. The others are
// protected as they are outside of tests: there the input lies with packets that a session has
// sealed, and whatever comes from somebody without keys has to be as good as nothing.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "sim/wire_view.h"
#include "test/fuzz/frame_maker.h"
#include "test/fuzz/fuzz_peer.h"
#include "test/fuzz/script.h"
#include "test/fuzz/stranger.h"
#include "wire/packet.h"

namespace hawser::fuzz {
namespace {

using namespace transport;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kMostSessions = 4;
constexpr uint32_t kMostChannels = 12;

// HAWSER_FUZZ_TRACE=1 shows every datagram that the peers send: for replays.
bool trace() {
  static const bool on = std::getenv("HAWSER_FUZZ_TRACE") != nullptr;
  return on;
}

class World {
 public:
  World(Script& script, uint8_t first, uint8_t second)
      : script_(script),
        protected_(protection(first)),
        peers_{FuzzPeer(1, now_, config(first), protected_, truth_),
               FuzzPeer(2, now_, config(second), protected_, truth_)},
        stranger_(script, protected_) {}

  void go() {
    connect(0);
    pump();
    while (!script_.done()) {
      step();
      pump();
    }
    finish();
  }

 private:
  static Protected protection(uint8_t choice) {
    Protected how;
    how.on = (choice & 32) != 0;
    if ((choice & 64) != 0) how.limits.update_after = 10;
    return how;
  }
  // Both peers must agree about the first sequence; the rest is theirs.
  EndpointConfig config(uint8_t choice) {
    EndpointConfig config;
    config.max_sessions = 16;
    config.max_half_open = 8;
    config.max_channels = 1 + (choice & 7);
    config.initial_credit = (choice & 8) != 0 ? 4'096 : 20'000;
    config.max_credit = 65'536;
    config.path_datagram = (choice & 16) != 0 ? 1'200 : 4'000;
    if ((choice & 128) != 0) {
      config.renew_after = 3 * kSecond;
      config.cookies_above = 0;
    }
    config.first_sequence = 1;
    return config;
  }

  // --- The wire.

  void connect(size_t from) {
    const size_t to = 1 - from;
    peers_[from].connect(now_, static_cast<uint8_t>(to + 1), peers_[to].endpoint().id());
  }

  void on_sent(int from, const PathAddress& to, Sent sent) {
    const Bytes& clear = sent.clear;
    if (to == FuzzPeer::address_of(Stranger::kNumber)) {
      stranger_got_ += sent.bytes.size();
      FUZZ_CHECK(stranger_got_ <= stranger_sent_, "more for a stranger than came from it");
      return;
    }
    FUZZ_CHECK(to == FuzzPeer::address_of(static_cast<uint8_t>(2 - from)), "for nobody");
    if (trace()) {
      std::fprintf(stderr, "%12.6f  %d>%d %s\n", static_cast<double>(now_) / 1e9, from, 1 - from,
                   sim::describe(clear.data(), clear.size()).c_str());
    }
    wire::DataHeader header{};
    if (wire::read_data_header(clear.data(), clear.size(), header)) {
      latest_[static_cast<size_t>(from)] = header;
      has_latest_[static_cast<size_t>(from)] = true;
    }
    if (sent.bytes[0] == 0x90) init_[static_cast<size_t>(from)] = sent.bytes;
    if (sent.bytes[0] == 0xa0) response_[static_cast<size_t>(from)] = sent.bytes;
    auto& queue = queue_[static_cast<size_t>(1 - from)];
    queue.push_back(std::move(sent));
    FUZZ_CHECK(queue.size() < 20'000, "endless output");
  }

  void pump() {
    for (int i = 0; i < 2; i++) {
      peers_[static_cast<size_t>(i)].service(
          now_, [&](const PathAddress& to, Sent sent) { on_sent(i, to, std::move(sent)); });
    }
  }

  void arrive(size_t to, const Bytes& bytes) {
    peers_[to].receive(now_, FuzzPeer::address_of(static_cast<uint8_t>(2 - to)), bytes);
  }

  void carry() {
    now_ += kMillisecond;
    for (size_t to = 0; to < 2; to++) {
      std::deque<Sent> batch;
      batch.swap(queue_[to]);
      for (const Sent& sent : batch) arrive(to, sent.bytes);
    }
    pump();
  }

  // Goes on without the script until done() or `limit`.
  template <typename Done>
  bool run(Duration limit, Done done) {
    const Time end = now_ + limit;
    for (uint64_t rounds = 0; !done(); rounds++) {
      FUZZ_CHECK(rounds < 200'000, "never comes to rest");
      if (now_ < end && (!queue_[0].empty() || !queue_[1].empty())) {
        carry();
        continue;
      }
      const Time next = std::min(peers_[0].next_timeout(), peers_[1].next_timeout());
      if (next > end) {
        now_ = std::max(now_, end);
        return done();
      }
      now_ = std::max(next, now_);
      pump();
    }
    return true;
  }

  // --- The script.

  void step() {
    const uint8_t what = script_.u8() % 24;
    const size_t which = script_.u8() & 1;
    switch (what) {
      case 0:
      case 1:
        for (int rounds = script_.below(8); rounds >= 0; rounds--) carry();
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        handle_head(what, which);
        break;
      case 6:
        wait();
        break;
      case 7:
        if (opened_sessions_++ < kMostSessions) connect(which);
        break;
      case 8:
        open(which);
        break;
      case 9:
      case 10:
      case 11:
        if (Side* side = pick(which)) {
          const uint32_t count = 1 + script_.below(40);
          peers_[which].push(now_, *side, count, script_.length());
        }
        break;
      case 12:
        if (Side* side = pick(which)) side->channel->end(now_);
        break;
      case 13:
        cut(which);
        break;
      case 14:
        if (Side* side = pick(which)) {
          side->channel->set_demand(now_, static_cast<Demand>(script_.below(3)));
        }
        break;
      case 15: {
        const uint8_t how = script_.u8();
        truth_.starved = true;
        peers_[which].memory().fail_after(how & 15, 1 + (how >> 4));
        break;
      }
      case 16:
        peers_[which].refusals = script_.below(4);
        break;
      case 17:
        if (Side* side = pick(which)) {
          side->channel->watch_acknowledged(now_, side->channel->written_sequence());
          side->channel->trim();
        }
        break;
      case 18:
      case 19:
        damage(which);
        break;
      case 20:
      case 21:
        speak(which);
        break;
      case 22:
        raw(which);
        break;
      default:
        strange(which);
        break;
    }
  }

  void handle_head(uint8_t what, size_t to) {
    auto& queue = queue_[to];
    if (queue.empty()) return;
    switch (what) {
      case 2: {
        const Sent sent = std::move(queue.front());
        queue.pop_front();
        arrive(to, sent.bytes);
        break;
      }
      case 3:
        queue.pop_front();
        break;
      case 4:
        queue.push_back(queue.front());
        break;
      default:
        std::swap(queue.front(), queue[script_.below(256) % queue.size()]);
        break;
    }
  }

  void wait() {
    static constexpr Duration kWaits[] = {1, 3, 10, 30, 100, 400, 2'000, 11'000};
    const Time until = now_ + kWaits[script_.below(8)] * kMillisecond;
    while (now_ < until) {
      now_ = std::clamp(std::min(peers_[0].next_timeout(), peers_[1].next_timeout()), now_, until);
      pump();
    }
  }

  ChannelConfig channel_config(uint32_t number) {
    ChannelConfig config;
    config.max_message = 20'000;
    config.high_water_mark = 16'384;
    config.max_buffered = 65'536;
    const uint8_t choice = script_.u8();
    if ((choice & 1) != 0) config.window = 2 + (script_.u8() & 254);
    if ((choice & 2) != 0) config.ack_every = 1;
    if ((choice & 4) != 0) config.ack_timeout = 3 * kMillisecond;
    if ((choice & 8) != 0) config.counted = true;
    if ((choice & 16) != 0) config.resend_all = true;
    if ((choice & 32) != 0) config.priority = choice >> 6;
    if ((choice & 64) == 0) return config;
    const uint8_t more = script_.u8();
    config.delivery = static_cast<wire::Delivery>(more & 3);
    if ((more & 4) != 0) config.expires_after = 50 * kMillisecond;
    if ((more & 24) == 24) config.idle_timeout = kSecond;
    if ((more & 32) != 0) {
      config.fill = true;
      config.flush_after = 20 * kMillisecond;
    }
    if ((more & 64) != 0) config.resend_timeout = 100 * kMillisecond;
    if (config.delivery != wire::Delivery::kOrdered || config.expires_after != 0) {
      truth_.loose[number] = true;
    }
    if (config.idle_timeout != 0) truth_.cut_short[number] = true;
    return config;
  }

  void open(size_t which) {
    static constexpr const char* kServices[] = {"all", "all", "lazy", "once", "refuse", "all"};
    FuzzPeer& peer = peers_[which];
    if (peer.sessions().empty() || opened_channels_ == kMostChannels) return;
    const uint8_t choice = script_.u8();
    const uint32_t number = opened_channels_++;
    const ChannelConfig config = channel_config(number);
    peers_[1 - which].configs[number % FuzzPeer::kConfigs] = channel_config(number);
    Session& session = *peer.sessions()[choice % peer.sessions().size()];
    peer.open(now_, session, number, config, kServices[script_.below(6)]);
  }

  Side* pick(size_t which) {
    auto& sides = peers_[which].sides();
    if (sides.empty()) return nullptr;
    Side* side = sides[script_.u8() % sides.size()].get();
    return side->channel == nullptr ? nullptr : side;
  }

  void cut(size_t which) {
    if (script_.u8() % 4 == 0) {
      auto& sessions = peers_[which].sessions();
      if (sessions.empty()) return;
      for (uint32_t i = 0; i < opened_channels_; i++) truth_.cut_short[i] = true;
      sessions[script_.u8() % sessions.size()]->close(now_, wire::Code::kNoError, "bye", 3);
    } else if (Side* side = pick(which)) {
      truth_.cut_short[side->key / 2] = true;
      side->channel->reset(now_, wire::Code::kCancelled, "enough", 6);
    }
  }

  // --- Lies.

  // Changes the frames of the next packet for `to`.
  void damage(size_t to) {
    auto& queue = queue_[to];
    wire::DataHeader header{};
    if (queue.empty() ||
        !wire::read_data_header(queue.front().clear.data(), queue.front().clear.size(), header)) {
      return;
    }
    truth_.lied = true;
    Bytes packet = std::move(queue.front().clear);
    queue.pop_front();
    const Bytes tag(packet.end() - wire::kTagBytes, packet.end());
    Bytes frames(packet.begin() + wire::kHeaderBytes, packet.end() - wire::kTagBytes);
    packet.resize(wire::kHeaderBytes);
    const uint8_t how = script_.u8() % 4;
    if (how == 0) {
      const size_t bit = script_.u16() % (frames.size() * 8);
      frames[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    } else {
      // At a frame: take it away, put one before it, or both.
      const std::vector<size_t> starts = frame_starts(frames);
      const size_t frame = script_.u8() % (starts.size() - 1);
      Bytes added;
      if (how != 1) maker(to).add(added);
      const auto at = frames.begin() + static_cast<ptrdiff_t>(starts[frame]);
      const auto place =
          how == 2
              ? at
              : frames.erase(at, at + static_cast<ptrdiff_t>(starts[frame + 1] - starts[frame]));
      frames.insert(place, added.begin(), added.end());
    }
    if (protected_.on) {
      send_sealed(to, frames);
      return;
    }
    packet.insert(packet.end(), frames.begin(), frames.end());
    packet.insert(packet.end(), tag.begin(), tag.end());
    arrive(to, packet);
  }

  // Where each frame begins, and the end; at least two numbers.
  static std::vector<size_t> frame_starts(const Bytes& frames) {
    std::vector<size_t> starts{0};
    wire::FrameReader reader(frames.data(), frames.size());
    wire::Frame frame;
    while (reader.next(frame) == wire::FrameReader::Next::kFrame) {
      starts.push_back(static_cast<size_t>(reader.position() - frames.data()));
    }
    if (starts.back() != frames.size()) starts.push_back(frames.size());
    return starts;
  }

  FrameMaker maker(size_t victim) { return FrameMaker(script_, latest_[victim].number); }

  // A packet that the other side has not sent.
  void send_frames(size_t to, const Bytes& frames) {
    const size_t from = 1 - to;
    if (!has_latest_[from] || frames.empty()) return;
    truth_.lied = true;
    if (protected_.on) {
      send_sealed(to, frames);
      return;
    }
    wire::DataHeader header = latest_[from];
    // The real one with this number will then be taken for a repetition.
    header.number += 1 + script_.below(3);
    latest_[from].number = header.number;
    Bytes packet(wire::kHeaderBytes);
    wire::write_data_header(packet.data(), header);
    packet.insert(packet.end(), frames.begin(), frames.end());
    packet.resize(packet.size() + wire::kTagBytes);
    arrive(to, packet);
  }

  void send_sealed(size_t to, const Bytes& frames) {
    const Bytes packet = frames.empty() ? Bytes() : peers_[1 - to].seal(now_, frames);
    if (!packet.empty()) arrive(to, packet);
  }

  void speak(size_t to) {
    Bytes frames;
    FrameMaker frame_maker = maker(to);
    for (uint32_t count = 1 + script_.below(4); count != 0; count--) frame_maker.add(frames);
    send_frames(to, frames);
  }

  void raw(size_t to) {
    size_t length = 0;
    const uint8_t* bytes = script_.bytes(script_.u8(), length);
    send_frames(to, Bytes(bytes, bytes + length));
  }

  // Somebody else sends something, or in the name of the other side.
  void strange(size_t to) {
    const uint8_t how = script_.u8();
    const bool right = (how & 32) != 0;
    const wire::PeerIdBytes victim = peers_[to].endpoint().id();
    const auto& sessions = peers_[to].sessions();
    Bytes datagram;
    switch (how & 7) {
      case 0:
        datagram = stranger_.init(victim);
        stranger_.sign(victim, datagram);
        break;
      case 1:
      case 2:
        datagram = (how & 7) == 1 ? stranger_.init(victim) : init_[1 - to];
        stranger_.change(datagram);
        if (right) stranger_.sign(victim, datagram);
        break;
      case 3:
        datagram = response_[1 - to];
        stranger_.change(datagram);
        break;
      case 4:
        datagram = stranger_.cookie(init_[to], peers_[1 - to].endpoint().id(), right);
        break;
      case 5:
        // The token that the other side has told.
        datagram = stranger_.reset(
            sessions.empty() ? wire::ResetToken{} : sessions[0]->remote_reset(), right);
        if (right) truth_.lied = true;
        break;
      case 6:
        peers_[to].holds_handshakes = !peers_[to].holds_handshakes;
        return;
      default: {
        size_t length = 0;
        const uint8_t* bytes = script_.bytes(script_.u8(), length);
        datagram.assign(bytes, bytes + length);
        if (right && !datagram.empty()) datagram[0] = uint8_t(0x80 + 0x10 * (how >> 6));
        if ((how & 8) != 0) datagram.resize(wire::kInitBytes);
        break;
      }
    }
    if ((how & 16) != 0) {
      // What is protected does not believe it.
      if (!protected_.on) truth_.lied = true;
      arrive(to, datagram);
    } else {
      stranger_sent_ += datagram.size();
      peers_[to].receive(now_, FuzzPeer::address_of(Stranger::kNumber), datagram);
    }
  }

  // --- The end.

  void finish() {
    for (FuzzPeer& peer : peers_) {
      peer.memory().fail_after(0, 0);
      peer.refusals = 0;
      peer.holds_handshakes = false;
      for (auto& side : peer.sides()) {
        if (side->channel != nullptr) side->channel->set_demand(now_, Demand::kContinuous);
      }
    }
    pump();
    // Incoming channels that come now read by themselves; those of the services that do not are
    // asked again below.
    const bool fair = !truth_.lied && !truth_.starved;
    run(20 * kSecond, [&] { return settled(); });
    for (FuzzPeer& peer : peers_) {
      for (auto& side : peer.sides()) {
        if (side->channel == nullptr) continue;
        side->channel->set_demand(now_, Demand::kContinuous);
        side->channel->end(now_);
      }
    }
    pump();
    run(60 * kSecond, [&] { return no_channels(); });
    if (fair && !truth_.timed_out) check_all_came();
    for (FuzzPeer& peer : peers_) {
      peer.endpoint().close_all(now_, wire::Code::kNoError, "done", 4);
    }
    pump();
    const bool over = run(120 * kSecond, [&] {
      return peers_[0].endpoint().session_count() + peers_[1].endpoint().session_count() == 0;
    });
    FUZZ_CHECK(over, "sessions that do not end");
    for (FuzzPeer& peer : peers_) {
      FUZZ_CHECK(peer.sessions().empty(), "a session that ended without saying so");
      for (auto& side : peer.sides()) {
        FUZZ_CHECK(side->channel == nullptr, "a channel that ended without saying so");
      }
    }
  }

  bool settled() { return queue_[0].empty() && queue_[1].empty() && no_channels(); }
  bool no_channels() {
    for (FuzzPeer& peer : peers_) {
      for (auto& side : peer.sides()) {
        if (side->channel != nullptr) return false;
      }
    }
    return true;
  }

  void check_all_came() {
    for (FuzzPeer& peer : peers_) {
      for (auto& side : peer.sides()) {
        if (truth_.cut_short[side->key / 2] || truth_.loose[side->key / 2]) continue;
        FUZZ_CHECK(side->channel == nullptr, "a channel that does not end");
        if (side->reason.code != wire::Code::kNoError) continue;  // ended before it was accepted
        FUZZ_CHECK(side->received == truth_.pushed[side->key ^ 1].size(), "messages are missing");
      }
    }
  }

  Script& script_;
  Time now_ = kSecond;
  Truth truth_;
  const Protected protected_;
  std::array<FuzzPeer, 2> peers_;
  Stranger stranger_;
  std::deque<Sent> queue_[2];        // by receiver
  wire::DataHeader latest_[2] = {};  // of the last packet, by sender
  bool has_latest_[2] = {false, false};
  // The last ones, by sender.
  Bytes init_[2];
  Bytes response_[2];
  uint32_t opened_sessions_ = 1;
  uint32_t opened_channels_ = 0;
  uint64_t stranger_sent_ = 0;
  uint64_t stranger_got_ = 0;
};

}  // namespace
}  // namespace hawser::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hawser::fuzz;
  Script script(data, std::min<size_t>(size, 2048));
  const uint8_t first = script.u8();
  const uint8_t second = script.u8();
  World(script, first, second).go();
  return 0;
}
