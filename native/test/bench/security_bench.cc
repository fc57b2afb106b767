// What strangers can cost a peer, and what handshakes and idle sessions cost: figures, and a
// failure where something must not happen at all. Without sockets: what the kernel charges for a
// datagram comes on top (bench/security/flood.mjs shows both together).
//   BUILD/hawser_security_bench [--small]

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "sim/network.h"
#include "sim/workload.h"
#include "transport/init_guard.h"
#include "transport/noise_security.h"

namespace hawser::sim {
namespace {

using Clock = std::chrono::steady_clock;
using transport::kMillisecond;
using transport::kSecond;

bool all_well = true;
uint64_t scale = 1;  // divides the counts

[[gnu::format(printf, 2, 3)]] void expect(bool holds, const char* format, ...) {
  if (holds) return;
  all_well = false;
  va_list arguments;
  va_start(arguments, format);
  std::printf("FAILED: ");
  std::vprintf(format, arguments);
  std::printf("\n");
  va_end(arguments);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Resident memory of this process, KiB.
long resident() {
  long pages = 0;
  long all = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld %ld", &all, &pages) != 2) pages = 0;
  std::fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

transport::PathAddress address_number(uint64_t number) {
  transport::PathAddress address;
  address.bytes[0] = 0x54;  // nobody's in the network
  wire::store_u64(address.bytes + 1, number * 0x9e3779b97f4a7c15);
  return address;
}

// An INIT as it leaves a peer that knows the victim's id.
std::vector<std::vector<uint8_t>> make_inits(SimPeer& victim, size_t count) {
  SimNetwork other(99);
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

class Transfer {
 public:
  Transfer(uint64_t seed, uint64_t messages, bool counted = false)
      : network_(seed), workload_(network_) {
    network_.set_protection(Protection::kAes256Gcm);
    network_.set_judged(false);
    network_.add_peer();
    network_.add_peer();
    SessionPlan session;
    session.connect_at = network_.now();
    ChannelPlan channel;
    channel.session = workload_.add_session(session);
    channel.open_at = network_.now();
    channel.side[0].messages = messages;
    channel.side[0].sizes = {SizeProfile::kSmall, 0};
    // One message a packet.
    channel.side[0].config.counted = counted;
    if (counted) channel.side[0].config.window = 1'000;
    workload_.add_channel(channel);
    messages_ = messages;
  }

  SimNetwork& network() { return network_; }
  SimPeer& server() { return network_.peer(1); }
  SimPeer& client() { return network_.peer(0); }
  // Steps until everything is done; between the steps, `attack` has its turn.
  template <typename Attack>
  void run(Attack attack) {
    while (!workload_.all_sessions_closed() && network_.step()) attack();
    expect(!network_.failed(), "%s", network_.failure().c_str());
    expect(workload_.delivered() == messages_, "%" PRIu64 " of %" PRIu64 " messages came",
           workload_.delivered(), messages_);
  }

 private:
  SimNetwork network_;
  Workload workload_;
  uint64_t messages_ = 0;
};

void show(const char* what, uint64_t count, double seconds) {
  const double each = seconds * 1e9 / static_cast<double>(count);
  std::printf("%-52s %10.0f ns each, %5.1f %% of a core at 50,000 a second\n", what, each,
              each * 50'000 / 1e7);
}

// --- Handshakes.

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
    Clock::time_point start = Clock::now();
    ours->compute();
    spent[0] += seconds_since(start);
    std::vector<uint8_t> init(wire::kInitBytes);
    wire::write_init_header(init.data(), header);
    std::memcpy(wire::init_message(init.data()), ours->message(), wire::kInitMessageBytes);
    auto* theirs = peer.endpoint().security().respond(peer.memory(), init.data(), {});
    start = Clock::now();
    theirs->compute();
    spent[1] += seconds_since(start);
    expect(ours->take_answer(theirs->message(), theirs->message_length()), "answer not taken");
    start = Clock::now();
    ours->compute();
    spent[2] += seconds_since(start);
    expect(ours->succeeded() && theirs->succeeded(), "a handshake failed");
    initiator->release(peer.memory(), ours);
    peer.endpoint().security().release(peer.memory(), theirs);
  }
  initiator->retire(peer.memory());
  const double each = 1e6 / static_cast<double>(count);
  std::printf("handshake: INIT %.0f us, RESPONSE %.0f us, reading it %.0f us\n", spent[0] * each,
              spent[1] * each, spent[2] * each);
  std::printf("handshakes a second and core: %.0f as responder, %.0f as initiator\n",
              static_cast<double>(count) / spent[1],
              static_cast<double>(count) / (spent[0] + spent[2]));
}

// --- INITs.

void spoofed_inits() {
  const uint64_t count = 1'000'000 / scale;
  Transfer transfer(2, 1'000);
  SimPeer& server = transfer.server();
  const auto inits = make_inits(server, 1'000);
  std::vector<uint8_t> copy(wire::kInitBytes);
  const long before = resident();
  const size_t memory_before = server.memory().in_use();
  size_t memory_most = 0;
  uint64_t number = 0;
  const transport::EndpointCounters start = server.endpoint().counters();
  // The honest peer dials in the middle of it; a millisecond passes with each 50.
  transfer.run([&] {
    for (int i = 0; i < 50 && number < count; i++, number++) {
      copy = inits[number % inits.size()];
      server.receive(address_number(number), copy.data(), copy.size());
      server.service();
    }
    memory_most = std::max(memory_most, server.memory().in_use());
  });
  const Clock::time_point began = Clock::now();
  const uint64_t rest = count - std::min(count, number);
  for (; number < count; number++) {
    copy = inits[number % inits.size()];
    server.receive(address_number(number), copy.data(), copy.size());
    server.service();
    if (number % 1'000 == 0) memory_most = std::max(memory_most, server.memory().in_use());
  }
  if (rest != 0)
    show("spoofed INIT with a right mac1, answered by a cookie", rest, seconds_since(began));
  const transport::EndpointCounters end = server.endpoint().counters();
  const long grown = resident() - before;
  std::printf(
      "%" PRIu64 " spoofed INITs: memory of the peer +%zu KiB, of the process +%ld KiB; %" PRIu64
      " computed, %" PRIu64 " cookies\n",
      count, (memory_most - std::min(memory_most, memory_before)) / 1024, grown,
      end.handshakes_answered - start.handshakes_answered, end.cookies_sent - start.cookies_sent);
  expect(memory_most - memory_before <= 4u << 20, "memory grew by more than 4 MiB");
  expect(grown <= 4 << 10, "resident memory grew by more than 4 MiB");
}

void invalid_inits() {
  const uint64_t count = 1'000'000 / scale;
  SimNetwork network(3);
  network.set_protection(Protection::kAes256Gcm);
  SimPeer& server = network.add_peer();
  auto inits = make_inits(server, 100);
  for (auto& init : inits) wire::init_mac1(init.data())[0] ^= 1;
  const Clock::time_point began = Clock::now();
  for (uint64_t i = 0; i < count; i++) {
    auto& init = inits[i % inits.size()];
    server.receive(address_number(i), init.data(), init.size());
  }
  show("INIT with a wrong mac1, dropped", count, seconds_since(began));
  expect(server.endpoint().counters().not_for_us == count, "not all were dropped");
  expect(!server.runtime().has_output(), "one was answered");
}

// --- Packets.

void forged_packets() {
  const uint64_t count = 10'000'000 / scale;
  Transfer transfer(4, 200'000);
  SimPeer& server = transfer.server();
  uint64_t id = 0;
  uint64_t number = 0;
  std::vector<uint8_t> packet(100);
  SimRandom random(4, 4);
  double spent = 0;
  const auto forge = [&](uint64_t many) {
    const Clock::time_point began = Clock::now();
    for (uint64_t i = 0; i < many && number < count; i++, number++) {
      random.fill(packet.data(), packet.size());
      packet[0] = static_cast<uint8_t>(0x80 | (packet[0] & 0x0f));
      wire::store_u64(packet.data() + 1, id);
      server.receive(SimPeer::address_of(0), packet.data(), packet.size());
    }
    spent += seconds_since(began);
  };
  const uint64_t before = server.endpoint().counters().unauthenticated;
  transfer.run([&] {
    if (id == 0) {
      server.endpoint().each_session([&](transport::Session* session) {
        if (session->open()) id = session->local_id().as_u64();
      });
    }
    if (id != 0 && server.endpoint().session_count() != 0) forge(20'000);
  });
  const transport::EndpointCounters end = server.endpoint().counters();
  show("forged packet with the right connection id", number, spent);
  std::printf("%" PRIu64 " forged packets during a transfer: %" PRIu64
              " dropped by the tag, %" PRIu64 " by their number, %" PRIu64 " after its end\n",
              number, end.unauthenticated - before, end.duplicates, end.unknown_session);
  expect(number == count, "the transfer ended after %" PRIu64 " forged packets", number);
  expect(end.unauthenticated - before + end.duplicates + end.unknown_session >= number,
         "a forged packet was taken");
}

void replayed_packets() {
  const uint64_t wanted = 1'000'000 / scale;
  Transfer transfer(5, wanted + wanted / 4, true);
  SimPeer& server = transfer.server();
  transfer.network().set_capture(true);
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> lengths;
  // Recorded on the way, and played again three times before the session ends.
  bool played = false;
  uint64_t replayed = 0;
  uint64_t taken = 0;
  const auto play = [&] {
    const uint64_t seen = server.endpoint().counters().duplicates;
    std::vector<uint8_t> copy;
    for (int round = 0; round < 3; round++) {
      size_t at = 0;
      for (const uint32_t length : lengths) {
        copy.assign(bytes.begin() + static_cast<long>(at),
                    bytes.begin() + static_cast<long>(at + length));
        at += length;
        server.receive(SimPeer::address_of(0), copy.data(), copy.size());
        replayed++;
      }
    }
    taken = replayed - (server.endpoint().counters().duplicates - seen);
  };
  transfer.run([&] {
    auto& capture = transfer.network().capture();
    if (capture.size() < 10'000 && !played && lengths.size() + capture.size() < wanted) return;
    // What was sent so long ago has come.
    size_t done = 0;
    for (;
         done < capture.size() && transfer.network().now() - capture[done].time > 50 * kMillisecond;
         done++) {
      const Captured& captured = capture[done];
      if (captured.from != 0 || captured.view().type != wire::PacketType::kData) continue;
      if (lengths.size() >= wanted) continue;
      bytes.insert(bytes.end(), captured.sealed.begin(), captured.sealed.end());
      lengths.push_back(static_cast<uint32_t>(captured.sealed.size()));
    }
    capture.erase(capture.begin(), capture.begin() + static_cast<long>(done));
    if (!played && lengths.size() >= wanted) {
      played = true;
      play();
    }
  });
  std::printf("%zu recorded packets played again three times: %" PRIu64 " taken\n", lengths.size(),
              taken);
  expect(played, "only %zu packets were recorded", lengths.size());
  expect(taken == 0, "a packet was taken twice");
}

// --- Memory.

void idle_sessions() {
  const int count = static_cast<int>(1'000 / scale);
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
  std::vector<transport::Session*> sessions;
  for (int i = 1; i <= count; i++) {
    sessions.push_back(network.peer(i).connect(0, 60 * kSecond));
  }
  network.run_for(60 * kSecond);
  size_t open = 0;
  size_t outside = 0;
  network.peer(0).endpoint().each_session([&](transport::Session* session) {
    open += session->open() ? 1 : 0;
    outside += session->protection_bytes();
  });
  const size_t used = network.peer(0).memory().in_use() - empty;
  expect(open == static_cast<size_t>(count), "%zu of %d sessions are open", open, count);
  std::printf("idle session: %zu bytes of ours (a Session is %zu), and %zu of libcrypto's\n",
              used / open, sizeof(transport::Session), outside / open);
}

}  // namespace
}  // namespace hawser::sim

int main(int argc, char** argv) {
  using namespace hawser::sim;
  if (argc > 1 && std::strcmp(argv[1], "--small") == 0) scale = 50;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  handshakes();
  spoofed_inits();
  invalid_inits();
  forged_packets();
  replayed_packets();
  idle_sessions();
  return all_well ? 0 : 1;
}
