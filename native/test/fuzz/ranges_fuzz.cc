// Sets of numbers against bits: RangeSet, PacketWindow, and AckTracker with the ACK frame that is
// made from it. Numbers lie in a small universe, so that they meet often, at a place that the input
// chooses, so that the largest ones are tried as well.
#include <set>
#include <vector>

#include "sim/sim_memory.h"
#include "test/fuzz/check.h"
#include "test/fuzz/script.h"
#include "transport/ack_tracker.h"
#include "transport/packet_window.h"
#include "transport/range_set.h"
#include "wire/frames.h"

namespace hawser::fuzz {
namespace {

using sim::SimMemory;
using namespace transport;

constexpr uint32_t kUniverse = 1024;

// Now and then the next few requests are refused.
void maybe_starve(Script& script, SimMemory& memory) {
  const uint8_t how = script.u8();
  memory.fail_after(how & 7, how >> 3 & 7);
}

uint64_t place(Script& script, uint64_t highest) {
  static constexpr uint64_t kPlaces[] = {0, 1, 0xffff'fe00, uint64_t{1} << 40};
  const uint8_t which = script.u8();
  return (which & 7) == 7 ? highest - kUniverse : kPlaces[which & 3];
}

// --- RangeSet.

void compare(const RangeSet& set, const std::vector<bool>& model, uint64_t base) {
  uint64_t total = 0;
  size_t index = 0;
  for (uint32_t i = 0; i < kUniverse;) {
    if (!model[i]) {
      i++;
      continue;
    }
    const uint32_t begin = i;
    while (i < kUniverse && model[i]) i++;
    FUZZ_CHECK(index < set.count(), "an interval is missing at %u", begin);
    FUZZ_CHECK(set.at(index).begin == base + begin && set.at(index).end == base + i, "interval %zu",
               index);
    total += i - begin;
    index++;
  }
  FUZZ_CHECK(index == set.count() && set.empty() == (index == 0), "%zu too many intervals",
             set.count() - index);
  FUZZ_CHECK(set.total() == total, "another total");
}

void fuzz_range_set(Script& script) {
  SimMemory memory(1);
  {
    const uint64_t base = place(script, UINT64_MAX);
    RangeSet set(memory);
    std::vector<bool> model(kUniverse, false);
    while (!script.done()) {
      const uint8_t what = script.u8();
      const uint32_t begin = script.below(kUniverse);
      const uint32_t end = std::min(begin + script.u8() % 64, kUniverse);
      switch (what % 8) {
        case 0:
        case 1:
        case 2:
          if (set.add(base + begin, base + end)) {
            for (uint32_t i = begin; i < end; i++) model[i] = true;
          } else {
            FUZZ_CHECK(memory.refused() != 0, "no memory, but none was refused");
          }
          break;
        case 3:
        case 4:
          if (set.remove(base + begin, base + end)) {
            for (uint32_t i = begin; i < end; i++) model[i] = false;
          } else {
            FUZZ_CHECK(memory.refused() != 0, "no memory, but none was refused");
          }
          break;
        case 5:
          set.remove_below(base + begin);
          for (uint32_t i = 0; i < begin; i++) model[i] = false;
          break;
        case 6: {
          bool all = true;
          bool some = false;
          for (uint32_t i = begin; i < end; i++) {
            all = all && model[i];
            some = some || model[i];
          }
          FUZZ_CHECK(set.contains(base + begin) == model[begin], "contains");
          FUZZ_CHECK(set.contains_all(base + begin, base + end) == all, "contains_all");
          FUZZ_CHECK(set.intersects(base + begin, base + end) == some, "intersects");
          break;
        }
        default:
          if (end - begin == 63) {
            if (what & 8) {
              set.clear();
            } else {
              set.release();
              FUZZ_CHECK(memory.in_use() == 0, "memory kept");
            }
            model.assign(kUniverse, false);
          } else {
            maybe_starve(script, memory);
          }
          break;
      }
      compare(set, model, base);
    }
  }
  FUZZ_CHECK(memory.in_use() == 0 && memory.misuse() == nullptr, "memory");
}

// --- PacketWindow.

void fuzz_packet_window(Script& script) {
  SimMemory memory(2);
  {
    PacketWindow window(memory);
    std::set<uint64_t> seen;
    // Numbers up to here are not known any more.
    uint64_t unknown_below = 0;
    uint64_t at = place(script, wire::kMaxVarint);
    while (!script.done()) {
      const uint8_t what = script.u8();
      switch (what % 8) {
        case 0:
          if (!window.ensure(size_t{1} << script.below(18))) {
            FUZZ_CHECK(memory.refused() != 0, "no memory, but none was refused");
          }
          break;
        case 1:
          maybe_starve(script, memory);
          break;
        case 2:
          at = std::min<uint64_t>(at + script.u16(), wire::kMaxVarint);
          break;
        case 3:
          if (what > 240) {
            window.release();
            FUZZ_CHECK(memory.in_use() == 0, "memory kept");
            if (!seen.empty()) unknown_below = *seen.rbegin() + 1;
          }
          break;
        default: {
          const uint64_t back = std::min<uint64_t>(script.below(kUniverse), at);
          const uint64_t number = what & 8 ? std::min(at + back, wire::kMaxVarint) : at - back;
          const bool old = window.seen_or_too_old(number);
          if (seen.count(number) != 0) {
            FUZZ_CHECK(old, "taken twice: %llu", static_cast<unsigned long long>(number));
          } else if (seen.empty() || number > *seen.rbegin()) {
            FUZZ_CHECK(!old, "new, and refused");
          } else if (number >= unknown_below && *seen.rbegin() - number < window.bits()) {
            FUZZ_CHECK(!old, "inside the window, and refused");
          }
          if (!old) {
            window.mark(number);
            seen.insert(number);
          }
          break;
        }
      }
      // What was below a shorter window is not known in a longer one.
      if (!seen.empty()) {
        const uint64_t largest = *seen.rbegin();
        FUZZ_CHECK(window.any() && window.largest() == largest, "largest");
        if (largest + 1 > window.bits()) {
          unknown_below = std::max<uint64_t>(unknown_below, largest + 1 - window.bits());
        }
      }
    }
  }
  FUZZ_CHECK(memory.in_use() == 0 && memory.misuse() == nullptr, "memory");
}

// --- AckTracker.

// The ACK that a session makes of it, through its bytes.
void check_ack(const AckTracker& tracker, const std::set<uint64_t>& received) {
  wire::Ack ack;
  ack.delay_us = 0;
  ack.range_count =
      static_cast<uint32_t>(std::min<size_t>(tracker.range_count(), size_t{wire::kMaxAckRanges}));
  for (uint32_t i = 0; i < ack.range_count; i++) {
    ack.ranges[i] = {tracker.range(i).begin, tracker.range(i).end - 1};
  }
  uint8_t bytes[2048];
  uint8_t* const end = wire::write(bytes, bytes + sizeof bytes, ack);
  FUZZ_CHECK(end != nullptr, "an ACK that cannot be written");
  wire::FrameReader reader(bytes, static_cast<size_t>(end - bytes));
  wire::Frame frame;
  FUZZ_CHECK(reader.next(frame) == wire::FrameReader::Next::kFrame, "%s", reader.error());
  FUZZ_CHECK(frame.ack.largest() == *received.rbegin(), "largest");
  for (uint32_t i = 0; i < frame.ack.range_count; i++) {
    const wire::Range& range = frame.ack.ranges[i];
    const auto first = received.lower_bound(range.first);
    const auto behind = received.upper_bound(range.last);
    FUZZ_CHECK(static_cast<uint64_t>(std::distance(first, behind)) == range.last - range.first + 1,
               "acknowledges what never came");
  }
  // The newest run is acknowledged whole.
  if (frame.ack.ranges[0].first != 0) {
    FUZZ_CHECK(received.count(frame.ack.ranges[0].first - 1) == 0, "the newest range is cut");
  }
}

void fuzz_ack_tracker(Script& script) {
  SimMemory memory(3);
  {
    const uint64_t base = place(script, wire::kMaxVarint);
    AckTracker tracker(memory);
    std::set<uint64_t> received;
    Time now = kSecond;
    uint64_t pending = 0;
    Time first_pending = 0;
    bool asked = false;
    uint64_t generation = 0;
    while (!script.done()) {
      const uint8_t what = script.u8();
      switch (what % 8) {
        case 0: {
          AckPolicy policy;
          policy.packets = 1 + script.below(16);
          policy.max_delay = Duration{script.u8()} * kMillisecond;
          policy.reordering_threshold = script.below(8);
          policy.generation = script.below(4);
          tracker.set_policy(policy);
          if (policy.generation >= generation) {
            generation = policy.generation;
            FUZZ_CHECK(tracker.policy().packets == policy.packets, "policy");
          }
          break;
        }
        case 1:
          now += Duration{script.u8()} * kMillisecond;
          break;
        case 2:
          tracker.request_now();
          asked = true;
          break;
        case 3:
          if (received.empty()) break;
          check_ack(tracker, received);
          tracker.on_ack_sent(now);
          pending = 0;
          asked = false;
          break;
        case 4:
          tracker.on_ack_of_ack(base + script.below(kUniverse));
          break;
        case 5:
          maybe_starve(script, memory);
          break;
        default: {
          const uint64_t number = base + script.below(kUniverse);
          if (received.count(number) != 0) break;
          const bool eliciting = (what & 8) != 0;
          const bool newest = received.empty() || number > *received.rbegin();
          // One that is older than every range kept is not acknowledged, so nothing waits for it.
          const size_t ranges = tracker.range_count();
          const bool forgotten =
              ranges == AckTracker::kMaximumRanges && number + 1 < tracker.range(ranges - 1).begin;
          if (!tracker.on_packet(now, number, eliciting)) {
            FUZZ_CHECK(memory.refused() != 0, "no memory, but none was refused");
            break;
          }
          received.insert(number);
          if (newest) FUZZ_CHECK(tracker.largest_received_time() == now, "time of the largest");
          if (eliciting && !forgotten) {
            if (pending++ == 0) first_pending = now;
          }
          break;
        }
      }
      FUZZ_CHECK(tracker.range_count() <= AckTracker::kMaximumRanges, "too many ranges");
      FUZZ_CHECK(tracker.pending() == (pending != 0), "pending");
      FUZZ_CHECK(received.empty() || tracker.largest() == *received.rbegin(), "largest");
      if (pending >= tracker.policy().packets) {
        FUZZ_CHECK(tracker.ack_due(now), "due by number");
      }
      if (pending != 0) {
        FUZZ_CHECK(tracker.deadline() <= first_pending + tracker.policy().max_delay,
                   "later than the policy allows");
      }
      if (asked && !received.empty()) FUZZ_CHECK(tracker.ack_due(now), "asked for");
      if (received.empty()) FUZZ_CHECK(!tracker.ack_due(now), "due, and nothing came");
    }
  }
  FUZZ_CHECK(memory.in_use() == 0 && memory.misuse() == nullptr, "memory");
}

}  // namespace
}  // namespace hawser::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hawser::fuzz::Script script(data, std::min<size_t>(size, 4096));
  switch (script.u8() % 3) {
    case 0:
      hawser::fuzz::fuzz_range_set(script);
      break;
    case 1:
      hawser::fuzz::fuzz_packet_window(script);
      break;
    default:
      hawser::fuzz::fuzz_ack_tracker(script);
      break;
  }
  return 0;
}
