// What handshakes cost.

#include <cstring>

#include "test/bench/security/bench.h"
#include "transport/noise_security.h"

namespace hawser::sim {

void handshakes() {
  const uint64_t count = 2'000 / scale;
  SimNetwork network(1);
  network.set_protection(Protection::kAes256Gcm);
  SimPeer& peer = network.add_peer();
  wire::PeerIdBytes remote = peer.id();
  transport::NoiseSecurity* initiator = peer.memory().create<transport::NoiseSecurity>();
  uint8_t seed[32] = {7};
  transport::NoiseSecurityConfig config;
  config.seed = seed;
  expect(initiator->init(config), "no libcrypto");
  double spent[3] = {};
  for (uint64_t i = 0; i < count; i++) {
    wire::InitHeader header;
    wire::store_u64(header.source.bytes, i + 1);
    wire::InitPayload first{};
    first.initiator = initiator->id();
    auto* ours = initiator->initiate(peer.memory(), remote, header, first);
    double start = processor_time();
    ours->compute();
    spent[0] += processor_time() - start;
    std::vector<uint8_t> init(wire::kInitBytes);
    wire::write_init_header(init.data(), header);
    std::memcpy(wire::init_message(init.data()), ours->message(), wire::kInitMessageBytes);
    auto* theirs = peer.endpoint().security().respond(peer.memory(), init.data(), {});
    start = processor_time();
    theirs->compute();
    spent[1] += processor_time() - start;
    expect(ours->take_answer(theirs->message(), theirs->message_length()), "answer not taken");
    start = processor_time();
    ours->compute();
    spent[2] += processor_time() - start;
    expect(ours->succeeded() && theirs->succeeded(), "a handshake failed");
    initiator->release(peer.memory(), ours);
    peer.endpoint().security().release(peer.memory(), theirs);
  }
  initiator->retire(peer.memory());
  const double each = 1e6 / static_cast<double>(count);
  tell("handshake: INIT, RESPONSE, reading it",
       text("%.0f, %.0f, %.0f us", spent[0] * each, spent[1] * each, spent[2] * each));
  tell("handshakes a second and core: responder, initiator",
       text("%.0f, %.0f", static_cast<double>(count) / spent[1],
            static_cast<double>(count) / (spent[0] + spent[2])));
}

}  // namespace hawser::sim
