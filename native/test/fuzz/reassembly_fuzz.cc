// transport/inbound.h driven by a script, against a model that knows of each message which bytes
// are there: every message comes once, whole, in order; the credit is what the protocol says; all
// memory comes back; and what an honest sender sends always gets through in the end.
#include <map>
#include <vector>

#include "test/fuzz/reassembly_model.h"

namespace hawser::fuzz {
namespace {

class Run : private InboundModel {
 public:
  Run(Script& script, sim::SimMemory& memory) : InboundModel(script, memory) {}

  void go() {
    while (!script_.done()) {
      step();
      check();
    }
    if (honest_) finish();
    memory_.fail_after(0, 0);
  }

 private:
  void step() {
    switch (script_.u8() % 16) {
      case 0:
      case 1:
      case 2:
        message();
        break;
      case 3:
      case 4:
      case 5:
        fragment();
        break;
      case 6: {
        const auto demand = static_cast<Demand>(script_.below(3));
        if (demand != Demand::kNone) consumed_ = delivered_cost_;
        in_.set_demand(demand);
        demand_ = demand;
        break;
      }
      case 7:
        offered([&] { in_.deliver(no_channel(), &sink_); });
        break;
      case 8:
        sink_.refusals = script_.below(4);
        break;
      case 9:
        announce();
        break;
      case 10:
        now_ += Duration{script_.u8()} * kMillisecond;
        break;
      case 11:
        blocked(stream_.cost_through(pick_sequence()));
        break;
      case 12:
        final();
        break;
      case 13: {
        const uint8_t how = script_.u8();
        memory_.fail_after(how & 15, how >> 4);
        break;
      }
      case 14:
        lie();
        break;
      default:
        if (script_.u8() < 200) {
          with_sink_ = !with_sink_;
        } else {
          skip();
        }
        break;
    }
  }

  // SKIP, and deliveries other than in order. From here on the model only knows what may never
  // happen: a message that comes twice, changed, or that nobody asked for.
  void skip() {
    if (!loose_) {
      loose_ = true;
      honest_ = false;
      handed_below_ = delivered_;
      if (script_.flag() && delivered_ == first_ && entries_.empty()) {
        delivery_ = static_cast<wire::Delivery>(script_.below(4));
        in_.set_delivery(delivery_);
      }
    }
    const uint64_t next = pick_sequence();
    const uint64_t cost = next == first_ ? 0 : stream_.cost_through(next - 1);
    offered([&] { (void)in_.on_skip(no_channel(), next, cost + script_.u8() % 3, sink()); });
  }

  // Near what is expected, below or above.
  uint64_t pick_sequence() {
    const uint8_t where = script_.u8();
    if (where < 64) return expected_ - std::min<uint64_t>(where, expected_ - first_);
    return expected_ + (where - 64);
  }

  // What a sender that keeps to the rules may send.
  bool allowed(uint64_t last) {
    return stream_.cost_through(last) <= announced_ && (!final_known_ || last <= final_);
  }

  void message() {
    const uint64_t first = pick_sequence();
    const uint32_t count = 1 + script_.below(20);
    if (!allowed(first + count - 1)) return;
    std::vector<size_t> lengths;
    for (uint32_t i = 0; i < count; i++) lengths.push_back(stream_.length(first + i));
    feed_message(first, lengths, honest_);
  }

  void fragment() {
    const uint64_t sequence = pick_sequence();
    const size_t total = stream_.length(sequence);
    if (total == 0 || !allowed(sequence)) return;
    const size_t offset = script_.u16() % total;
    const size_t length = 1 + script_.length() % (total - offset);
    feed_fragment(sequence, total, offset, length, honest_);
  }

  // What no honest sender says.
  void lie() {
    honest_ = false;
    const uint64_t sequence = pick_sequence();
    switch (script_.u8() % 5) {
      case 0:  // other lengths, however far beyond the credit
        feed_message(sequence, {script_.length(), script_.length()}, false);
        break;
      case 1: {
        const size_t total = 1 + script_.length();
        const size_t offset = script_.u16() % total;
        feed_fragment(sequence, total, offset, 1 + script_.length() % (total - offset), false);
        break;
      }
      case 2:  // far ahead
        feed_message(sequence + script_.u32(), {script_.length()}, false);
        break;
      case 3: {  // bytes apart from each other
        const size_t total = stream_.length(sequence);
        if (total == 0) break;
        const size_t begin = script_.u16() % total;
        const size_t stride = 2 + script_.u8() % 3;
        for (size_t at = begin, n = 0; at < total && n < 150; at += stride, n++) {
          feed_fragment(sequence, total, at, 1, false);
        }
        break;
      }
      default:
        feed_fragment(sequence, uint64_t{script_.u32()} + max_message_ + 1, 0, 1, false);
        break;
    }
  }

  void final() {
    const uint64_t last = std::max(pick_sequence(), first_);
    bool contradicts = last + 1 < expected_;
    for (const auto& [sequence, entry] : entries_) {
      contradicts = contradicts || (sequence > last && !entry.unsure);
    }
    bool unsure = false;
    for (const auto& [sequence, entry] : entries_) {
      unsure = unsure || (sequence > last && entry.unsure);
    }
    const bool taken = in_.set_final(last);
    if (loose_) return;
    if (final_known_) {
      FUZZ_CHECK(taken == (last == final_), "the end moved");
      return;
    }
    // A sender says END when it has sent everything.
    if (contradicts || stream_.cost_through(last) > announced_) honest_ = false;
    FUZZ_CHECK(unsure || taken == !contradicts, "end at %llu",
               static_cast<unsigned long long>(last));
    if (!taken) return;
    final_known_ = true;
    final_ = last;
    if (top_ > last) top_ = std::max(last, first_);
  }

  // The rest as an honest sender would send it: all of it must come through.
  void finish() {
    memory_.fail_after(0, 0);
    sink_.refusals = 0;
    with_sink_ = true;
    consumed_ = delivered_cost_;
    in_.set_demand(Demand::kContinuous);
    demand_ = Demand::kContinuous;
    offered([&] { in_.deliver(no_channel(), &sink_); });
    check();
    const uint64_t last = final_known_ ? final_ : top_;
    while (expected_ <= last) {
      const uint64_t sequence = expected_;
      if (stream_.cost_through(sequence) > announced_) {
        now_ += kMillisecond;
        const uint64_t wanted = stream_.cost_through(sequence);
        blocked(wanted);
        if (!final_known_) FUZZ_CHECK(in_.credit_due(), "a blocked sender is forgotten");
        announce();
        FUZZ_CHECK(announced_ >= wanted, "not enough credit for one message");
      }
      const size_t total = stream_.length(sequence);
      if (total >= 2 && (sequence & 1) != 0) {
        feed_fragment(sequence, total, 0, total / 2, true);
        if (missing(sequence)) feed_fragment(sequence, total, total / 2, total - total / 2, true);
      } else {
        feed_message(sequence, {total}, true);
      }
      FUZZ_CHECK(expected_ > sequence && delivered_ == expected_, "it did not come through");
      check();
    }
    FUZZ_CHECK(!final_known_ || in_.drained(), "not at its end");
  }
};

}  // namespace
}  // namespace hawser::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hawser::fuzz;
  Script script(data, std::min<size_t>(size, 2048));
  hawser::sim::SimMemory memory(7);
  Run(script, memory).go();
  FUZZ_CHECK(memory.in_use() == 0 && memory.blocks() == 0, "%zu bytes left", memory.in_use());
  return 0;
}
