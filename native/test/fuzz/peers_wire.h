#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "sim/wire_view.h"
#include "test/fuzz/fuzz_peer.h"
#include "test/fuzz/script.h"
#include "test/fuzz/stranger.h"
#include "wire/packet.h"

namespace hawser::fuzz {

using namespace transport;
using Bytes = std::vector<uint8_t>;

// HAWSER_FUZZ_TRACE=1 shows every datagram that the peers send: for replays.
inline bool trace() {
  static const bool on = std::getenv("HAWSER_FUZZ_TRACE") != nullptr;
  return on;
}

// Two peers, and what is on its way between them.
class Wire {
 protected:
  Wire(Script& script, uint8_t first, uint8_t second)
      : script_(script),
        protected_(protection(first)),
        peers_{FuzzPeer(1, now_, config(first), protected_, truth_),
               FuzzPeer(2, now_, config(second), protected_, truth_)},
        stranger_(script, protected_) {}

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
    if ((choice & 16) != 0) config.path_datagram_limit = (choice & 1) != 0 ? 1'472 : 9'000;
    if ((choice & 128) != 0) {
      config.renew_after = 3 * kSecond;
      config.answer_renewals_every = config.renew_after / 60;
      config.cookies_above = 0;
    }
    config.first_sequence = 1;
    return config;
  }

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
  uint64_t stranger_sent_ = 0;
  uint64_t stranger_got_ = 0;
};

}  // namespace hawser::fuzz
