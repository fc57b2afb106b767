// What a session keeps in which nothing happens.

#include "test/bench/security/bench.h"

namespace hawser::sim {

using transport::kSecond;

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
  limit("idle session, with its part of the tables", text("%zu bytes", each), "<= 4096 bytes",
        each <= 4'096);
  tell("  of it: the Session itself, libcrypto's",
       text("%zu, %zu bytes", sizeof(transport::Session), outside / open));
}

}  // namespace hawser::sim
