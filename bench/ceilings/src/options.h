// What the program is asked to do.

#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ceiling {

struct Options {
  /// recv, send, echo or ping.
  std::string role;
  /// An IPv4 address: where to send to, or to listen at.
  std::string host = "127.0.0.1";
  /// 0: any that is free.
  uint16_t port = 0;
  /// Of a UDP payload, with everything that is in it: 48 to 65,507.
  size_t bytes = 1472;
  double seconds = 1;
  /// Packets are AES-256-GCM, each sealed and opened by itself.
  bool sealed = false;
  /// A system call for a train of packets that the kernel cuts and joins; otherwise one for some
  /// packets.
  bool gso = true;
  /// Looks again and again instead of sleeping until a packet comes.
  bool spin = false;
  /// The processor to stay on, from 0; -1: any.
  int cpu = -1;
};

constexpr const char* kUsage =
    "hawser_ceiling recv [--host A] [--port P] [--bytes B] [--sealed] [--no-gso]\n"
    "hawser_ceiling send [--host A] --port P [--bytes B] [--seconds S] [--sealed] [--no-gso]\n"
    "hawser_ceiling echo [--host A] [--port P] [--spin]\n"
    "hawser_ceiling ping [--host A] --port P [--bytes B] [--seconds S] [--spin]\n"
    "all of them: [--cpu N]\n";

/// Returns what is wrong, or nothing.
std::string read_options(std::span<char*> arguments, Options& options);

}  // namespace ceiling
