// A TAP device in another network namespace: what the kernel sends there is read here, and the
// other way round.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cable {

class Tap {
 public:
  /// Makes the device `name` in the namespace that /run/netns calls `netns_name`. It is gone when
  /// the Tap is. Only to be called while the process has one thread. Fails with what went wrong in
  /// `error`.
  static std::optional<Tap> open(const std::string& netns_name, const std::string& name,
                                 std::string& error);

  Tap(Tap&& other) noexcept;
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;
  Tap& operator=(Tap&&) = delete;
  ~Tap();

  int descriptor() const { return device_; }

  /// The length of the next frame, or 0 if there is none now.
  size_t read(std::span<std::byte> frame) const;
  /// False if the kernel did not take it.
  bool write(std::span<const std::byte> frame) const;
  /// Frames that the kernel dropped because they were not read in time.
  uint64_t unread() const;

 private:
  Tap(int device, int counters, std::string name)
      : device_(device), counters_(counters), name_(std::move(name)) {}

  int device_;
  /// /proc/net/dev of the namespace.
  int counters_;
  std::string name_;
};

}  // namespace cable
