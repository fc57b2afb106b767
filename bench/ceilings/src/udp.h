// A UDP socket with large buffers, and the two ways to move many packets.

#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ceiling {

/// What one datagram of IPv4 can carry, which is also the longest train.
constexpr size_t kMaximumBytes = 65507;
/// Packets in one system call: the kernel's limit for a train, and ours where there are no trains.
constexpr size_t kMaximumBatch = 64;

class Udp {
 public:
  /// Ends the process if there can be no such socket.
  Udp();
  Udp(const Udp&) = delete;
  Udp& operator=(const Udp&) = delete;
  ~Udp();

  /// Returns the port it got.
  uint16_t bind(const std::string& host, uint16_t port) const;
  void connect(const std::string& host, uint16_t port) const;
  void connect(const sockaddr_in& address) const;

  /// Whether calls give up at once instead of waiting.
  void set_nonblocking() const;
  /// Calls give up after this.
  void set_receive_timeout(double seconds) const;

  /// One packet. False if there was no room or nobody at the other end.
  bool send(std::span<const std::byte> packet) const;
  /// Its length; nullopt if none came in time. `from` is where it came from.
  std::optional<size_t> receive(std::span<std::byte> buffer, sockaddr_in* from = nullptr) const;

  /// `bytes` holds packets of `size` bytes one after the other. With `train` the kernel cuts them;
  /// false if it would not, and nothing was sent. Ends the process on any other error.
  bool send_many(std::span<std::byte> bytes, size_t size, bool train) const;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Receives many packets a call, and keeps the buffers for that.
class PacketReader {
 public:
  using Each = std::function<void(std::span<std::byte> packet)>;

  /// With `joined` the kernel puts packets together before it hands them over, where it can.
  PacketReader(const Udp& udp, bool joined);

  /// Waits for some. Returns how many there were, 0 if none came in time, and where the last came
  /// from in `from`.
  size_t read(const Each& each, sockaddr_in& from);

 private:
  size_t read_joined(const Each& each, sockaddr_in& from);
  size_t read_several(const Each& each, sockaddr_in& from);

  const Udp& udp_;
  bool joined_;
  std::vector<std::byte> buffer_;
};

}  // namespace ceiling
