// Packets with the right connection id that nobody sealed: noise, and packets of the session with
// something changed, among them some whose number has not come.

#include <algorithm>
#include <cstring>

#include "test/bench/security/bench.h"
#include "test/bench/security/state.h"

namespace hawser::sim {

using transport::kMillisecond;
using transport::kSecond;

namespace {

using Bytes = std::vector<uint8_t>;

// Makes them, always other ones.
class Forger {
 public:
  explicit Forger(uint64_t seed) : random_(seed, 0x666f7267) {}

  void set_id(uint64_t id) { id_ = id; }
  // A packet of the session, to be changed. The last 64 are kept.
  void learn(const uint8_t* data, size_t length) {
    if (known_.size() < 64) known_.emplace_back();
    known_[learned_++ % known_.size()].assign(data, data + length);
  }
  size_t known() const { return known_.size(); }

  Bytes& next() {
    const uint64_t luck = random_.next();
    const bool noise = known_.empty() || luck % 4 == 0;
    if (noise) {
      packet_.resize(wire::kMinDataPacket + (luck >> 8) % 100);
      random_.fill(packet_.data(), packet_.size());
      packet_[0] = static_cast<uint8_t>(0x80 | (packet_[0] & 0x0f));
      wire::store_u64(packet_.data() + 1, id_);
      return packet_;
    }
    packet_ = known_[(luck >> 8) % known_.size()];
    if (luck % 4 == 1 && packet_.size() > wire::kMinDataPacket) {
      packet_.resize(packet_.size() - 1 - (luck >> 32) % (packet_.size() - wire::kMinDataPacket));
      return packet_;
    }
    // One bit, but not of the type or of the id.
    constexpr size_t kAfterId = 1 + wire::kConnectionIdBytes;
    const size_t at = (luck >> 32) % (packet_.size() - kAfterId + 1);
    if (at == 0) {
      packet_[0] ^= static_cast<uint8_t>(1u << (luck >> 16) % 4);
    } else {
      packet_[kAfterId - 1 + at] ^= static_cast<uint8_t>(1u << (luck >> 16) % 8);
    }
    return packet_;
  }

  // Where it says that it comes from: the peer, or a neighbour or stranger that a session might
  // take for the peer's new address.
  transport::PathAddress origin() {
    const uint64_t luck = random_.next() % 16;
    if (luck == 0) return address_number(random_.next());
    return SimPeer::address_of(0, luck == 1 ? 1 : 0);
  }

 private:
  SimRandom random_;
  uint64_t id_ = 0;
  uint64_t learned_ = 0;
  std::vector<Bytes> known_;
  Bytes packet_;
};

double forge(Forger& forger, SimPeer& victim, uint64_t count) {
  const double began = processor_time();
  for (uint64_t i = 0; i < count; i++) {
    Bytes& packet = forger.next();
    victim.receive(forger.origin(), packet.data(), packet.size());
  }
  return processor_time() - began;
}

// Learns the packets that are sent to the server, as they are sent: those that are late or lost are
// new to it.
void listen(Transfer& transfer, Forger& forger) {
  transfer.network().set_listener(
      [&](int from, const transport::PathAddress&, const Datagram& datagram) {
        wire::PacketType type{};
        if (from == 0 && wire::classify(datagram.data, datagram.length, type) &&
            type == wire::PacketType::kData) {
          forger.learn(datagram.data, datagram.length);
        }
      });
}

void judge(const std::string& line, const PeerState& before, SimPeer& victim, uint64_t count,
           transport::Time timeout) {
  const PeerState::Changes changes = before.changes();
  limit(line + ": state changed",
        text("%zu of %zu bytes%s%s", changes.changed, changes.compared,
             changes.where.empty() ? "" : ": ", changes.where.c_str()),
        "0 bytes", changes.changed == 0);
  const bool silent = !victim.runtime().has_output() && !victim.runtime().has_events() &&
                      victim.runtime().next_timeout() == timeout;
  expect(silent, "%s: something is to be sent or told, or another timer is due", line.c_str());
  const uint64_t opened = changes.forged;
  tell("  of them opened in vain",
       text("%.0f %%", 100.0 * static_cast<double>(opened) / static_cast<double>(count)));
  expect(changes.dropped == count, "%s: %" PRIu64 " of %" PRIu64 " were counted as dropped",
         line.c_str(), changes.dropped, count);
  expect(opened > 0 && opened <= changes.dropped, "%s: %" PRIu64 " count towards the AEAD's limit",
         line.c_str(), opened);
}

}  // namespace

// While nothing is on its way, whatever changes is the forged packets' doing. First in a session
// that has just sent, then in one that is parked: it has neither keys set up nor a replay window.
void forged_at_rest() {
  const uint64_t busy_count = 4'000'000 / scale;
  const uint64_t parked_count = 1'000'000 / scale;
  TransferOptions options;
  options.messages = 20'000;
  options.burst = 10'000;
  options.gap = 8 * kSecond;
  Transfer transfer(7, options);
  SimNetwork& network = transfer.network();
  SimPeer& server = transfer.server();
  Forger forger(7);
  // Packets that never arrive, so that their numbers are new for ever; what was in them is sent
  // again.
  network.set_capture(true);
  DropRule lost;
  lost.from = 0;
  lost.to = 1;
  lost.skip = 40;
  lost.count = 20;
  (void)network.add_drop_rule(lost);
  const bool came =
      network.run_until([&] { return transfer.delivered() == options.burst; }, 60 * kSecond);
  expect(came && transfer.session() != nullptr, "the first burst did not come");
  if (!came || transfer.session() == nullptr) return;
  forger.set_id(transfer.session()->local_id().as_u64());
  for (const Captured& captured : network.capture()) {
    if (captured.from != 0 || captured.view().type != wire::PacketType::kData) continue;
    const bool arrived = captured.fate != Fate::kDropRule;
    if (!arrived || forger.known() < lost.skip) {
      forger.learn(captured.sealed.data(), captured.sealed.size());
    }
  }
  network.set_capture(false);
  network.capture().clear();
  expect(forger.known() == lost.skip + lost.count, "%zu packets are known", forger.known());
  network.run_for(kSecond);  // everything is acknowledged

  // The first ones make the next epoch's keys, and the simulator lends its sink: from then on
  // nothing may change at all.
  server.runtime().set_sink(nullptr);
  const PeerState untouched(server);
  const uint64_t first = 1'000;
  (void)forge(forger, server, first);
  server.runtime().set_sink(nullptr);
  const PeerState::Changes keys = untouched.changes(true);
  limit("first 1,000 forged packets: changed but the next keys",
        text("%zu bytes%s%s", keys.changed, keys.where.empty() ? "" : ": ", keys.where.c_str()),
        "0 bytes", keys.changed == 0);

  const auto attack = [&](const char* what, uint64_t count) {
    const PeerState before(server);
    const transport::Time timeout = server.runtime().next_timeout();
    const uint64_t datagrams = network.datagrams();
    double spent = 0;
    constexpr uint64_t kTurns = 500;
    for (uint64_t turn = 0; turn < kTurns; turn++) {
      spent += forge(forger, server, count / kTurns);
      network.run_for(kMillisecond);
    }
    server.runtime().set_sink(nullptr);
    const std::string line = text("%" PRIu64 " forged packets, %s", count / kTurns * kTurns, what);
    judge(line, before, server, count / kTurns * kTurns, timeout);
    expect(network.datagrams() == datagrams, "something was sent meanwhile");
    cost(text("forged packet, %s", what), count, spent);
  };
  attack("session at rest", busy_count);

  network.run_for(3 * kSecond);
  expect(transfer.session()->protection_bytes() == 0, "the session is not parked");
  attack("parked session", parked_count);
  limit("parked session after forged packets: libcrypto's",
        text("%zu bytes", transfer.session()->protection_bytes()), "0 bytes",
        transfer.session()->protection_bytes() == 0);
  transfer.run([] {});
  limit("messages afterwards",
        text("%" PRIu64 " of %" PRIu64, transfer.delivered(), options.messages), "all",
        transfer.delivered() == options.messages);
}

namespace {

// What happens in a transfer, step by step: all that is sent and told, and when (the simulator's
// hash), and what the attacked peer has become: memory, timers, all counters of its session. What
// was dropped is not in it.
struct Course {
  uint64_t hash = 0xcbf29ce484222325;
  uint64_t steps = 0;
  uint64_t datagrams = 0;
  transport::Time ended = 0;

  void add(uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  void note(Transfer& transfer) {
    SimPeer& server = transfer.server();
    steps++;
    add(transfer.network().hash());
    add(server.memory().in_use());
    add(server.memory().requests());
    add(server.memory().blocks());
    add(static_cast<uint64_t>(server.runtime().next_timeout()));
    const transport::EndpointCounters totals = server.endpoint().counters();
    for (const uint64_t total :
         {totals.foreign, totals.unknown_session, totals.no_memory, totals.protocol_errors,
          totals.sessions_opened, totals.sessions_closed, totals.handshakes_answered,
          totals.cookies_sent, totals.resets_sent}) {
      add(total);
    }
    server.endpoint().each_session([&](transport::Session* session) {
      const transport::SessionCounters counters = session->counters();
      static_assert(sizeof counters % sizeof(uint64_t) == 0);
      for (size_t at = 0; at < sizeof counters; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        std::memcpy(&word, reinterpret_cast<const uint8_t*>(&counters) + at, sizeof word);
        add(word);
      }
    });
  }
};

}  // namespace

// A transfer with forged packets, and its twin without them: the same seed, so that every step has
// to be the same.
void forged_in_transfer() {
  const uint64_t count = 10'000'000 / scale;
  Course courses[2];
  uint64_t number = 0;
  double spent = 0;
  transport::EndpointCounters end{};
  for (const bool attacked : {false, true}) {
    TransferOptions options;
    options.messages = 200'000;
    Transfer transfer(4, options);
    Course& course = courses[attacked ? 1 : 0];
    Forger forger(4);
    listen(transfer, forger);
    transfer.run([&] {
      course.note(transfer);
      transport::Session* session = attacked && number < count ? transfer.session() : nullptr;
      // While messages are under way. Later, any datagram lets the server free the channel that was
      // closed, which its twin does with the next genuine one.
      if (session == nullptr || forger.known() == 0 || transfer.delivered() == options.messages) {
        return;
      }
      forger.set_id(session->local_id().as_u64());
      const uint64_t now = std::min(count - number, 12'000 / std::min<uint64_t>(scale, 10));
      spent += forge(forger, transfer.server(), now);
      number += now;
    });
    course.datagrams = transfer.network().datagrams();
    course.ended = transfer.network().now();
    end = transfer.server().endpoint().counters();
    if (!attacked) continue;
    limit(text("%" PRIu64 " forged packets in a transfer: messages", number),
          text("%" PRIu64 " of %" PRIu64, transfer.delivered(), options.messages), "all",
          transfer.delivered() == options.messages);
  }
  expect(number == count, "the transfer ended after %" PRIu64 " forged packets", number);
  const Course& alone = courses[0];
  const Course& disturbed = courses[1];
  const bool same = alone.hash == disturbed.hash && alone.steps == disturbed.steps &&
                    alone.datagrams == disturbed.datagrams && alone.ended == disturbed.ended;
  limit("  the same transfer without them",
        same ? text("the same in all %" PRIu64 " steps", alone.steps) : "went otherwise",
        "the same", same);
  tell("  dropped by the tag, by the number, unreadable",
       text("%" PRIu64 ", %" PRIu64 ", %" PRIu64, end.unauthenticated, end.duplicates,
            end.malformed));
  expect(end.unauthenticated + end.duplicates + end.malformed >= number,
         "a forged packet was taken");
  cost("forged packet, in a transfer", number, spent);
}

}  // namespace hawser::sim
