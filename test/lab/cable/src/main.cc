// hawser_cable LEFT RIGHT DEVICE MAXIMUM-MTU SEED
//
// A cable between the network namespaces LEFT and RIGHT: makes the TAP device DEVICE in each and
// carries frames from one to the other as the commands on standard input say (control.h). Says
// {"ready":true,…} first. Ends when its standard input does, and the devices with it, so that it
// does not outlive whoever started it.

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "control.h"
#include "json.h"

namespace cable {
namespace {

/// Some 400 MB of frames of 1,514 bytes, if all of them were in use.
constexpr size_t kMostFrames = 1 << 18;
/// Frames that are read from one end before the other has its turn.
constexpr int kBurst = 64;
constexpr int kPriority = 50;

Time clock_now() {
  static const auto kStart = std::chrono::steady_clock::now();
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now() - kStart);
}

bool write_line(std::string line) {
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) rest.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Obeys the commands that came. False when there will be no more.
bool read_commands(std::string& unread, Lanes& lanes) {
  std::array<char, 4096> text{};
  const ssize_t length = read(STDIN_FILENO, text.data(), text.size());
  if (length < 0) return errno == EINTR;
  if (length == 0) return false;
  unread.append(text.data(), static_cast<size_t>(length));
  for (size_t end = unread.find('\n'); end != std::string::npos; end = unread.find('\n')) {
    if (!write_line(obey(std::string_view(unread).substr(0, end), clock_now(), lanes)))
      return false;
    unread.erase(0, end + 1);
  }
  return true;
}

void read_frames(Lane& lane, FramePool& pool, std::vector<std::byte>& scrap) {
  for (int count = 0; count < kBurst; ++count) {
    Frame* frame = pool.take();
    if (frame == nullptr) {
      if (lane.from->read(scrap) == 0) return;
      lane.direction.overflow();
      continue;
    }
    frame->length = lane.from->read({frame->data.get(), pool.capacity()});
    if (frame->length == 0) return pool.give(frame);
    lane.direction.arrive(clock_now(), frame);
  }
}

int carry(Lanes& lanes, FramePool& pool) {
  std::vector<std::byte> scrap(pool.capacity());
  std::string unread;
  std::array<pollfd, 3> sources{pollfd{lanes[0].from->descriptor(), POLLIN, 0},
                                pollfd{lanes[1].from->descriptor(), POLLIN, 0},
                                pollfd{STDIN_FILENO, POLLIN, 0}};
  for (;;) {
    const Time next = std::min(lanes[0].direction.next_event(), lanes[1].direction.next_event());
    const Duration wait = std::max(next - clock_now(), Duration{0});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
    const timespec timeout{seconds.count(), (wait - seconds).count()};
    const int ready =
        ppoll(sources.data(), sources.size(), next == kNever ? nullptr : &timeout, nullptr);
    if (ready < 0 && errno != EINTR) return 1;
    if (ready > 0) {
      for (size_t i = 0; i < lanes.size(); ++i) {
        if (sources[i].revents != 0) read_frames(lanes[i], pool, scrap);
      }
      if (sources[2].revents != 0 && !read_commands(unread, lanes)) return 0;
    }
    for (Lane& lane : lanes) {
      lane.direction.release(clock_now(),
                             [&](const Frame& frame) { return lane.to->write(frame.bytes()); });
    }
  }
}

int fail(const std::string& why) {
  std::fprintf(stderr, "hawser_cable: %s\n", why.c_str());
  return 1;
}

int run(const std::vector<std::string>& arguments) {
  uint64_t seed = 0;
  size_t mtu = 0;
  const auto read_number = [](const std::string& text, auto& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (arguments.size() != 5 || !read_number(arguments[3], mtu) || mtu > 65535 ||
      !read_number(arguments[4], seed)) {
    return fail("usage: hawser_cable LEFT RIGHT DEVICE MAXIMUM-MTU SEED");
  }
  std::string error;
  const auto left = Tap::open(arguments[0], arguments[2], error);
  if (!left) return fail(error);
  const auto right = Tap::open(arguments[1], arguments[2], error);
  if (!right) return fail(error);

  // Delays are only as good as the wake-ups: before all ordinary processes, where that is allowed.
  prctl(PR_SET_TIMERSLACK, 1);
  const sched_param priority{.sched_priority = kPriority};
  const bool realtime = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;

  FramePool pool(mtu + kEthernetHeader, kMostFrames);
  Lanes lanes{Lane{"leftToRight", &*left, &*right, Direction(seed, 0, pool)},
              Lane{"rightToLeft", &*right, &*left, Direction(seed, 1, pool)}};
  if (!write_line(JsonWriter().boolean("ready", true).boolean("realtime", realtime).text())) {
    return 1;
  }
  return carry(lanes, pool);
}

}  // namespace
}  // namespace cable

int main(int count, char** values) {
  return cable::run(std::vector<std::string>(values + 1, values + count));
}
