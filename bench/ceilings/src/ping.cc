#include "ping.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "packet.h"
#include "report.h"
#include "udp.h"

namespace ceiling {
namespace {

constexpr double kSilenceSeconds = 60;
/// A packet that has not come back by then is lost.
constexpr double kPatienceSeconds = 0.2;

/// Waits for a packet, in the kernel or by asking it again and again.
class Waiter {
 public:
  Waiter(const Udp& udp, bool spin, double patience) : udp_(udp), spin_(spin), patience_(patience) {
    if (spin) {
      udp.set_nonblocking();
    } else {
      udp.set_receive_timeout(patience);
    }
  }

  std::optional<size_t> receive(std::span<std::byte> buffer, sockaddr_in* from = nullptr) const {
    if (!spin_) return udp_.receive(buffer, from);
    const auto start = Clock::now();
    for (;;) {
      const auto length = udp_.receive(buffer, from);
      if (length || seconds_between(start, Clock::now()) > patience_) return length;
    }
  }

 private:
  const Udp& udp_;
  bool spin_;
  double patience_;
};

/// The smallest value that at least this part of all values do not exceed. `sorted` is not empty.
double percentile(const std::vector<double>& sorted, double part) {
  const auto rank = static_cast<size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

}  // namespace

int run_ping(const Options& options) {
  const Udp udp;
  udp.connect(options.host, options.port);
  const Waiter waiter(udp, options.spin, kPatienceSeconds);
  std::vector<std::byte> packet(options.bytes);
  std::vector<std::byte> answer(kMaximumBytes);
  std::vector<double> microseconds;
  uint64_t asked = 0;
  const double cpu_before = cpu_seconds();
  const auto start = Clock::now();
  double seconds = 0;
  do {
    const uint64_t number = asked++;
    write_packet(packet, number, nullptr);
    const auto before = Clock::now();
    udp.send(packet);
    for (;;) {
      const auto length = waiter.receive(answer);
      if (!length) break;
      const auto after = Clock::now();
      // An answer that comes too late is that to an earlier question.
      if (read_packet(std::span(answer).first(*length), nullptr) != number) continue;
      microseconds.push_back(seconds_between(before, after) * 1e6);
      break;
    }
    seconds = seconds_between(start, Clock::now());
  } while (seconds < options.seconds);
  const double cpu = cpu_seconds() - cpu_before;
  const EndPacket end;
  udp.send(std::as_bytes(std::span(&end, 1)));
  if (microseconds.empty()) {
    std::fputs("hawser_ceiling: no answer\n", stderr);
    return 1;
  }
  std::sort(microseconds.begin(), microseconds.end());
  Report("ping")
      .count("bytes", microseconds.size() * options.bytes)
      .count("packets", microseconds.size())
      .number("seconds", seconds)
      .number("cpuSeconds", cpu)
      .count("lost", asked - microseconds.size())
      .number("p50Us", percentile(microseconds, 0.5))
      .number("p99Us", percentile(microseconds, 0.99))
      .number("p999Us", percentile(microseconds, 0.999))
      .print();
  return 0;
}

int run_echo(const Options& options) {
  const Udp udp;
  const Waiter waiter(udp, options.spin, kSilenceSeconds);
  Report("echo").flag("ready", true).count("port", udp.bind(options.host, options.port)).print();
  std::vector<std::byte> packet(kMaximumBytes);
  sockaddr_in from{};
  uint64_t packets = 0;
  uint64_t bytes = 0;
  double cpu_before = 0;
  Clock::time_point start;
  while (const auto length = waiter.receive(packet, &from)) {
    const auto got = std::span(packet).first(*length);
    if (read_end(got)) break;
    if (packets == 0) {
      udp.connect(from);
      start = Clock::now();
      cpu_before = cpu_seconds();
    }
    udp.send(got);
    ++packets;
    bytes += *length;
  }
  Report("echo")
      .count("bytes", bytes)
      .count("packets", packets)
      .number("seconds", packets == 0 ? 0 : seconds_between(start, Clock::now()))
      .number("cpuSeconds", cpu_seconds() - cpu_before)
      .count("lost", 0)
      .print();
  return 0;
}

}  // namespace ceiling
