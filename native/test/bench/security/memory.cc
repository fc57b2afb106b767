// What a session keeps in which nothing happens.

#include <algorithm>

#include "test/bench/security/bench.h"

namespace hawser::sim {

using transport::kSecond;

namespace {

// Takes every channel and every message.
class Quiet final : public Application {
 public:
  void on_session(SimPeer& /*peer*/, transport::Session& session, uint32_t events) override {
    if ((events & transport::kSessionClosed) != 0) session.release();
  }
  void on_channel(SimPeer& peer, transport::Channel& channel, uint32_t events) override {
    if ((events & transport::kChannelIncoming) != 0) channel.accept(peer.network().now(), {});
    if ((events & transport::kChannelClosed) != 0) channel.release(peer.network().now());
  }
  bool take(SimPeer& /*peer*/, transport::Channel& /*channel*/, uint64_t /*first*/,
            const uint8_t* /*run*/, size_t /*length*/, uint32_t /*count*/) override {
    return true;
  }
  void on_timer(SimPeer& /*peer*/, uint64_t /*tag*/) override {}
  void after_batch(SimPeer& /*peer*/) override {}
};

// The same with a channel each, on which nothing was said. Every third of the idle timeout there is
// a keep-alive, for which keys and rings are made again; all sessions began together, so that
// theirs come together as well.
void idle_channels() {
  const int count = 1'000;
  SimNetwork network(8);
  network.set_protection(Protection::kAes256Gcm);
  network.set_judged(false);
  Quiet quiet;
  network.set_application(&quiet);
  transport::EndpointConfig config;
  config.handshake_rate = 1'000'000;
  config.unproven_rate = 1'000'000;
  config.idle_timeout_ms = 60'000;
  network.add_peer(config);
  const size_t empty = network.peer(0).memory().in_use();
  for (int i = 0; i < count; i++) network.add_peer(config);
  const uint8_t service[] = {'i', 'd', 'l', 'e'};
  for (int i = 1; i <= count; i++) {
    transport::Session* session = network.peer(i).connect(0, 10 * kSecond);
    if (session == nullptr) continue;
    (void)session->open_channel(network.now(), {}, service, sizeof service, nullptr, 0);
  }
  network.run_for(15 * kSecond);
  const auto used = [&] {
    size_t bytes = network.peer(0).memory().in_use() - empty;
    network.peer(0).endpoint().each_session(
        [&](transport::Session* session) { bytes += session->protection_bytes(); });
    return bytes;
  };
  size_t open = 0;
  size_t channels = 0;
  network.peer(0).endpoint().each_session([&](transport::Session* session) {
    open += session->open() ? 1 : 0;
    channels += session->counters().channels;
  });
  expect(open == static_cast<size_t>(count) && channels == open,
         "%zu of %d sessions are open, with %zu channels", open, count, channels);
  if (open == 0) return;
  const size_t idle = used();
  size_t peak = idle;
  const transport::Time end = network.now() + 20 * kSecond;
  while (network.next_event() < end && network.step()) peak = std::max(peak, used());
  tell("idle session with one channel", text("%zu bytes", idle / open));
  tell("  the most of it around a keep-alive", text("%zu bytes", peak / open));
  expect(peak > idle, "there was no keep-alive");
}

}  // namespace

void idle_sessions() {
  // Not scaled: with a few, the tables weigh more.
  const int count = 1'000;
  SimNetwork network(6);
  network.set_protection(Protection::kAes256Gcm);
  network.set_judged(false);
  Workload workload(network);
  transport::EndpointConfig config;
  config.handshake_rate = 1'000'000;
  config.unproven_rate = 1'000'000;
  config.idle_timeout_ms = 600'000;
  network.add_peer(config);
  const size_t empty = network.peer(0).memory().in_use();
  for (int i = 0; i < count; i++) network.add_peer(config);
  for (int i = 1; i <= count; i++) (void)network.peer(i).connect(0, 60 * kSecond);
  network.run_for(60 * kSecond);
  size_t open = 0;
  size_t outside = 0;
  network.peer(0).endpoint().each_session([&](transport::Session* session) {
    open += session->open() ? 1 : 0;
    outside += session->protection_bytes();
  });
  const size_t used = network.peer(0).memory().in_use() - empty;
  expect(open == static_cast<size_t>(count), "%zu of %d sessions are open", open, count);
  if (open == 0) return;
  const size_t each = (used + outside) / open;
  limit("idle session without channels, with its part of the tables", text("%zu bytes", each),
        "<= 4096 bytes", each <= 4'096);
  tell("  of it: the Session itself, libcrypto's",
       text("%zu, %zu bytes", sizeof(transport::Session), outside / open));
  idle_channels();
}

}  // namespace hawser::sim
