#include "tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

namespace cable {
namespace {

std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

int open_device(const std::string& name) {
  const int device = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) return -1;
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  // Without TUNSETOFFLOAD the kernel hands over frames that are cut to the MTU and have their
  // checksums.
  if (ioctl(device, TUNSETIFF, &request) != 0) {
    close(device);
    return -1;
  }
  return device;
}

}  // namespace

std::optional<Tap> Tap::open(const std::string& netns_name, const std::string& name,
                             std::string& error) {
  const std::string path = "/run/netns/" + netns_name;
  const int home = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::optional<Tap> tap;
  if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0) {
    error = failed(path);
  } else {
    const int device = open_device(name);
    if (device < 0) error = failed("a TAP device in " + netns_name);
    // It goes on to show this namespace after we have left it.
    const int counters = ::open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
    if (device >= 0) tap.emplace(Tap(device, counters, name));
    if (setns(home, CLONE_NEWNET) != 0) {
      error = failed("the way back from " + netns_name);
      tap.reset();
    }
  }
  if (home >= 0) close(home);
  if (there >= 0) close(there);
  return tap;
}

Tap::Tap(Tap&& other) noexcept
    : device_(std::exchange(other.device_, -1)),
      counters_(std::exchange(other.counters_, -1)),
      name_(std::move(other.name_)) {}

Tap::~Tap() {
  if (device_ >= 0) close(device_);
  if (counters_ >= 0) close(counters_);
}

size_t Tap::read(std::span<std::byte> frame) const {
  const ssize_t length = ::read(device_, frame.data(), frame.size());
  return length > 0 ? static_cast<size_t>(length) : 0;
}

bool Tap::write(std::span<const std::byte> frame) const {
  return ::write(device_, frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
}

uint64_t Tap::unread() const {
  std::array<char, 4096> text{};
  const ssize_t length = pread(counters_, text.data(), text.size(), 0);
  if (length <= 0) return 0;
  std::istringstream lines(std::string(text.data(), static_cast<size_t>(length)));
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line.substr(0, colon).find(name_) == std::string::npos) {
      continue;
    }
    std::istringstream numbers(line.substr(colon + 1));
    uint64_t value = 0;
    // Eight of what was received, then bytes, packets, errors and drops of what was sent.
    for (int column = 0; column < 12; ++column) numbers >> value;
    return numbers ? value : 0;
  }
  return 0;
}

}  // namespace cable
