// Two peers with a wire between them that the input cuts, mixes up, and lies on. Nothing crashes,
// leaks, hangs or grows without bound; sessions and channels end with a reason; what is handed over
// is in sequence and comes once. While nobody has lied, it is also what was sent, and all of it.
//
// Half of the networks can be read, so that the input makes packets as it likes. The others are
// protected as they are outside of tests: there the input lies with packets that a session has
// sealed, and whatever comes from somebody without keys has to be as good as nothing.
#include "test/fuzz/peers_liar.h"

namespace hawser::fuzz {
namespace {

constexpr uint32_t kMostSessions = 4;
constexpr uint32_t kMostChannels = 12;

class World : private Liar {
 public:
  World(Script& script, uint8_t first, uint8_t second) : Liar(script, first, second) {}

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

  uint32_t opened_sessions_ = 1;
  uint32_t opened_channels_ = 0;
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
