// INITs from addresses at which nobody is: what knows the victim's id, and what does not.

#include <malloc.h>

#include <algorithm>
#include <cstring>

#include "test/bench/security/bench.h"
#include "transport/init_guard.h"
#include "transport/noise_security.h"

namespace hawser::sim {

namespace {

// As they leave peers that know the victim's id.
std::vector<std::vector<uint8_t>> make_inits(SimPeer& victim, size_t count) {
  transport::NoiseSecurity* security = victim.memory().create<transport::NoiseSecurity>();
  uint8_t seed[32] = {9};
  transport::NoiseSecurityConfig config;
  config.seed = seed;
  expect(security->init(config), "no libcrypto");
  uint8_t key[crypto::SipHash::kKeyBytes];
  (void)security->mac_key(victim.id(), key);
  std::vector<std::vector<uint8_t>> inits;
  for (size_t i = 0; i < count; i++) {
    wire::InitHeader header;
    wire::store_u64(header.source.bytes, i + 1);
    wire::InitPayload payload{};
    payload.initiator = security->id();
    transport::Handshake* handshake =
        security->initiate(victim.memory(), victim.id(), header, payload);
    handshake->compute();
    std::vector<uint8_t> init(wire::kInitBytes);
    wire::write_init_header(init.data(), header);
    std::memcpy(wire::init_message(init.data()), handshake->message(), wire::kInitMessageBytes);
    transport::InitGuard::sign_mac1(key, init.data());
    inits.push_back(std::move(init));
    security->release(victim.memory(), handshake);
  }
  security->retire(victim.memory());
  return inits;
}

}  // namespace

void spoofed_inits() {
  const uint64_t count = 1'000'000 / scale;
  TransferOptions options;
  options.messages = 1'000;
  Transfer transfer(2, options);
  SimPeer& server = transfer.server();
  const auto inits = make_inits(server, 1'000);
  uint64_t bytes_out = 0;
  transfer.network().set_listener(
      [&](int, const transport::PathAddress& to, const Datagram& datagram) {
        if (is_address_number(to)) bytes_out += datagram.length;
      });
  std::vector<uint8_t> copy(wire::kInitBytes);
  malloc_trim(0);  // what was free before shall not hide what is taken
  const long resident_before = resident();
  const size_t before = server.memory().in_use();
  long resident_most = resident_before;
  size_t most = before;
  uint64_t number = 0;
  bool exceeded = false;
  const transport::EndpointCounters start = server.endpoint().counters();
  const auto spoof = [&] {
    copy = inits[number % inits.size()];
    server.receive(address_number(number), copy.data(), copy.size());
    server.service();
    number++;
    most = std::max(most, server.memory().in_use());
    exceeded = exceeded || bytes_out > number * wire::kInitBytes;
    if (number % 50'000 == 0) resident_most = std::max(resident_most, resident());
  };
  // The honest peer dials in the middle of it.
  transfer.run([&] {
    for (int i = 0; i < 50 && number < count; i++) spoof();
  });
  const uint64_t rest = count - number;
  const double began = processor_time();
  while (number < count) spoof();
  if (rest != 0)
    cost("spoofed INIT, right mac1, answered by a cookie", rest, processor_time() - began);
  const transport::EndpointCounters end = server.endpoint().counters();
  resident_most = std::max(resident_most, resident());
  const std::string what = text("%" PRIu64 " spoofed INITs: ", count);
  limit(what + "memory of the process", text("+%ld KiB", resident_most - resident_before),
        "<= 4096 KiB", resident_most - resident_before <= 4'096);
  limit(what + "memory of the peer", text("+%zu KiB", (most - before) / 1'024), "<= 4096 KiB",
        most - before <= 4u << 20);
  limit(what + "honest connect and 1,000 messages", text("%" PRIu64 " came", transfer.delivered()),
        "all come", transfer.delivered() == options.messages);
  limit(what + "bytes out, of bytes in at every moment",
        text("%.1f %%", 100.0 * static_cast<double>(bytes_out) /
                            static_cast<double>(count * wire::kInitBytes)),
        "<= 100 %", !exceeded && bytes_out != 0);
  tell(what + "computed, cookies sent",
       text("%" PRIu64 ", %" PRIu64, end.handshakes_answered - start.handshakes_answered,
            end.cookies_sent - start.cookies_sent));
}

void invalid_inits() {
  const uint64_t count = 1'000'000 / scale;
  SimNetwork network(3);
  network.set_protection(Protection::kAes256Gcm);
  SimPeer& server = network.add_peer();
  auto inits = make_inits(server, 100);
  for (auto& init : inits) wire::init_mac1(init.data())[0] ^= 1;
  const size_t memory = server.memory().in_use();
  const double began = processor_time();
  for (uint64_t i = 0; i < count; i++) {
    auto& init = inits[i % inits.size()];
    server.receive(address_number(i), init.data(), init.size());
  }
  cost("INIT with a wrong mac1, dropped", count, processor_time() - began);
  const bool silent = !server.runtime().has_output() && !server.runtime().has_handshakes();
  limit(text("%" PRIu64 " INITs with a wrong mac1", count),
        text("%" PRIu64 " dropped", server.endpoint().counters().not_for_us),
        "all dropped, 0 bytes kept",
        server.endpoint().counters().not_for_us == count && silent &&
            server.memory().in_use() == memory);
}

}  // namespace hawser::sim
