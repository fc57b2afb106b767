#include "stream.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "packet.h"
#include "report.h"
#include "udp.h"

namespace ceiling {
namespace {

constexpr double kFirstPacketSeconds = 60;
constexpr double kSilenceSeconds = 5;
constexpr double kAnswerSeconds = 0.05;
constexpr int kAttempts = 100;

struct Result {
  uint64_t packets = 0;
  double seconds = 0;
  double cpu_seconds = 0;
  std::optional<uint64_t> lost;
};

int report(const Options& options, const Result& result, bool gso) {
  Report line(options.role);
  line.count("bytes", result.packets * data_bytes(options.bytes, options.sealed))
      .count("packets", result.packets)
      .number("seconds", result.seconds)
      .number("cpuSeconds", result.cpu_seconds)
      .count("lost", result.lost.value_or(0))
      .flag("gso", gso)
      .print();
  if (result.lost) return 0;
  std::fputs("hawser_ceiling: the other end did not say how many packets there were\n", stderr);
  return 1;
}

std::span<const std::byte> bytes_of(const EndPacket& end) {
  return std::as_bytes(std::span(&end, 1));
}

/// Tells the other end how many packets there were, and asks how many came.
std::optional<uint64_t> ask(const Udp& udp, uint64_t sent) {
  udp.set_receive_timeout(kAnswerSeconds);
  const EndPacket question{.packets = sent};
  std::array<std::byte, 64> answer{};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    udp.send(bytes_of(question));
    const auto length = udp.receive(answer);
    if (!length) continue;
    if (const auto received = read_end(std::span(answer).first(*length))) return received;
  }
  return std::nullopt;
}

}  // namespace

int run_send(const Options& options) {
  const Udp udp;
  udp.connect(options.host, options.port);
  std::optional<Seal> seal;
  if (options.sealed) seal.emplace(Seal::Direction::kSeal);
  const size_t batch = std::min(kMaximumBatch, kMaximumBytes / options.bytes);
  std::vector<std::byte> buffer(batch * options.bytes);
  bool train = options.gso;
  Result result;
  const double cpu_before = cpu_seconds();
  const auto start = Clock::now();
  do {
    for (size_t i = 0; i < batch; ++i) {
      const auto packet = std::span(buffer).subspan(i * options.bytes, options.bytes);
      write_packet(packet, result.packets + i, seal ? &*seal : nullptr);
    }
    // What cannot be sent this way once never can be, here.
    if (!udp.send_many(buffer, options.bytes, train)) {
      train = false;
      udp.send_many(buffer, options.bytes, train);
    }
    result.packets += batch;
    result.seconds = seconds_between(start, Clock::now());
  } while (result.seconds < options.seconds);
  result.cpu_seconds = cpu_seconds() - cpu_before;
  if (const auto received = ask(udp, result.packets)) {
    result.lost = result.packets - std::min(*received, result.packets);
  }
  return report(options, result, train);
}

int run_receive(const Options& options) {
  const Udp udp;
  PacketReader reader(udp, options.gso);
  std::optional<Seal> seal;
  if (options.sealed) seal.emplace(Seal::Direction::kOpen);
  udp.set_receive_timeout(kFirstPacketSeconds);
  Report("recv").flag("ready", true).count("port", udp.bind(options.host, options.port)).print();

  Result result;
  double cpu_before = 0;
  Clock::time_point first;
  Clock::time_point last;
  std::optional<uint64_t> sent;
  uint64_t wrong = 0;
  const auto each = [&](std::span<std::byte> packet) {
    if (const auto end = read_end(packet)) {
      sent = end;
      return;
    }
    const auto number = read_packet(packet, seal ? &*seal : nullptr);
    if (number && packet.size() == options.bytes) {
      ++result.packets;
    } else {
      ++wrong;
    }
  };
  sockaddr_in from{};
  while (!sent) {
    const bool is_first = result.packets == 0;
    if (reader.read(each, from) == 0) break;
    if (sent) continue;
    last = Clock::now();
    if (!is_first) continue;
    first = last;
    cpu_before = cpu_seconds();
    udp.set_receive_timeout(kSilenceSeconds);
  }
  result.seconds = seconds_between(first, last);
  result.cpu_seconds = cpu_seconds() - cpu_before;
  if (wrong > 0) {
    std::fprintf(stderr,
                 "hawser_ceiling: %llu packets were not what was expected (same --bytes?)\n",
                 static_cast<unsigned long long>(wrong));
    return 1;
  }
  if (sent) {
    result.lost = *sent - std::min(result.packets, *sent);
    // The answer may get lost: it is given as long as it is asked for.
    const EndPacket answer{.packets = result.packets};
    udp.connect(from);
    udp.set_receive_timeout(4 * kAnswerSeconds);
    do {
      udp.send(bytes_of(answer));
    } while (reader.read([](std::span<std::byte>) {}, from) > 0);
  }
  return report(options, result, options.gso);
}

}  // namespace ceiling
