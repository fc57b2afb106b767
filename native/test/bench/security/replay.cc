// Packets that were recorded and come again.

#include "test/bench/security/bench.h"

namespace hawser::sim {

using transport::kMillisecond;

void replayed_packets() {
  const uint64_t wanted = 1'000'000 / scale;
  TransferOptions options;
  options.messages = wanted + wanted / 4;
  options.counted = true;
  Transfer transfer(5, options);
  SimPeer& server = transfer.server();
  transfer.network().set_capture(true);
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> lengths;
  // Recorded on the way, and played again three times before the session ends.
  bool played = false;
  uint64_t replayed = 0;
  uint64_t taken = 0;
  double spent = 0;
  const auto play = [&] {
    const uint64_t seen = server.endpoint().counters().duplicates;
    const double began = processor_time();
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
    spent = processor_time() - began;
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
  expect(played, "only %zu packets were recorded", lengths.size());
  limit(text("%zu recorded packets, each three times again: taken", lengths.size()),
        text("%" PRIu64, taken), "0", taken == 0);
  limit("messages that came twice or not, with the replays",
        text("%" PRIu64 " of %" PRIu64 " came once", transfer.delivered(), options.messages),
        "all once", transfer.delivered() == options.messages);
  cost("recorded packet, dropped by its number", replayed, spent);
}

}  // namespace hawser::sim
