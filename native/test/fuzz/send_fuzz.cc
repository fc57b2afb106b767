// transport/outbound.h and send_ring.h driven by a script, against a model that knows of each byte
// of the stream whether it was sent, acknowledged or lost: what leaves is what was pushed, what is
// lost goes first, nothing acknowledged goes again, window and credit hold, the base is where it
// must be, all memory comes back.
#include <algorithm>
#include <vector>

#include "sim/sim_memory.h"
#include "test/fuzz/check.h"
#include "test/fuzz/script.h"
#include "test/fuzz/stream.h"
#include "transport/outbound.h"
#include "wire/number.h"

namespace hawser::fuzz {
namespace {

using namespace transport;
using sim::SizeProfile;

constexpr uint64_t kChannel = 77;
constexpr size_t kLongestStream = 20'000;
// Room in which something can always be written: more than any header and the smallest piece.
constexpr size_t kEnoughRoom = 200;

enum class Byte : uint8_t { kUnsent, kFlying, kLost, kAcknowledged };

struct Packet {
  uint64_t begin;
  uint64_t end;
  // It does not carry its content for the first time.
  bool again = false;
  bool lost = false;
};

class Run {
 public:
  Run(Script& script, sim::SimMemory& memory)
      : script_(script),
        first_(pick_first(script.u8())),
        stream_(first_, pick_sizes(script.u8())),
        memory_(memory),
        out_(memory, first_),
        starts_{0} {
    window_ = 2 + script.u8();
    out_.set_window(window_);
    credit_ = 64 * script.u8();
    out_.raise_credit(credit_);
  }

  void go() {
    while (!script_.done() && !over_) {
      step();
      if (!over_) check();
    }
    if (!over_) finish();
  }

 private:
  static uint64_t pick_first(uint8_t choice) {
    static constexpr uint64_t kFirst[] = {1, 1, 0xffff'fff0, (uint64_t{1} << 61) + 3};
    return kFirst[choice & 3];
  }
  static SizeProfile pick_sizes(uint8_t choice) {
    static constexpr SizeProfile kSizes[] = {
        {SizeProfile::kTiny, 32},     {SizeProfile::kSmall, 200},   {SizeProfile::kPacket, 1'400},
        {SizeProfile::kMixed, 9'000}, {SizeProfile::kLarge, 6'000}, {SizeProfile::kFixed, 0},
    };
    return kSizes[choice % 6];
  }

  void step() {
    switch (script_.u8() % 16) {
      case 0:
      case 1:
      case 2:
        push(1 + script_.below(12));
        break;
      case 3:
        publish();
        break;
      case 4:
      case 5:
      case 6:
        write(script_.below(2'000));
        break;
      case 7:
        write(20'000);
        break;
      case 8:
      case 9:
        if (!packets_.empty()) acknowledge(script_.below(256) % packets_.size());
        break;
      case 10:
        if (!packets_.empty()) lose(script_.below(256) % packets_.size());
        break;
      case 11:
        count(first_ + base_ + script_.u8());
        break;
      case 12:
        if (script_.flag()) {
          request(first_ + base_ + script_.u8(), 1 + script_.below(20));
          break;
        }
        window_ = 2 + script_.u16();
        out_.set_window(window_);
        break;
      case 13: {
        const uint64_t more = 16 * uint64_t{script_.u16()};
        const uint64_t limit = credit_ + more - std::min<uint64_t>(credit_, script_.u8() & 96);
        FUZZ_CHECK(out_.raise_credit(limit) == (limit > credit_), "credit");
        credit_ = std::max(credit_, limit);
        break;
      }
      case 14: {
        const uint8_t how = script_.u8();
        memory_.fail_after(how & 15, how >> 4);
        break;
      }
      default:
        if (script_.u8() == 255) {
          out_.abandon();
          FUZZ_CHECK(!out_.has_work() && out_.all_acknowledged() && out_.all_sent(), "abandoned");
          over_ = true;
        } else {
          out_.ring().trim();
        }
        break;
    }
  }

  // Messages and positions of the model count from 0.
  uint64_t pushed() const { return starts_.size() - 1; }
  uint64_t message_at(uint64_t position) const {
    return static_cast<uint64_t>(std::upper_bound(starts_.begin(), starts_.end(), position) -
                                 starts_.begin()) -
           1;
  }
  uint64_t cost_below(uint64_t message) const {
    return starts_[message] + wire::kMessageOverhead * message;
  }
  // Messages of which something was sent.
  uint64_t begun() const { return sent_ == 0 ? 0 : message_at(sent_ - 1) + 1; }
  uint64_t limit() const {
    uint64_t low = begun();
    uint64_t high = std::max(low, std::min(published_, base_ + window_));
    while (low < high) {
      const uint64_t middle = low + (high - low + 1) / 2;
      if (cost_below(middle) <= credit_) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  void push(uint32_t messages) {
    for (uint32_t i = 0; i < messages && starts_.back() < kLongestStream; i++) {
      const uint64_t sequence = first_ + pushed();
      FUZZ_CHECK(out_.ring().written_sequence() == sequence, "written");
      const std::vector<uint8_t> body = stream_.body(sequence, stream_.length(sequence));
      SendRing& ring = out_.ring();
      const uint64_t refused = memory_.refused();
      if (!ring.push(body.data(), body.size())) {
        if (!ring.grow(body.size())) {
          FUZZ_CHECK(memory_.refused() != refused, "no memory, but none was refused");
          return;
        }
        FUZZ_CHECK(ring.push(body.data(), body.size()), "grown, and no room");
      }
      starts_.push_back(starts_.back() + wire::block_size(body.size()));
      bytes_.resize(starts_.back(), Byte::kUnsent);
    }
  }

  void publish() {
    out_.ring().publish();
    published_ = pushed();
  }

  void write(size_t room) {
    std::vector<uint8_t> packet(room);
    FrameRef carried{};
    const uint64_t lost_at = first_lost();
    const bool work = lost_at != UINT64_MAX || sent_ < starts_[limit()];
    uint8_t* const end = out_.write(kChannel, packet.data(), packet.data() + room, carried);
    const auto length = static_cast<size_t>(end - packet.data());
    FUZZ_CHECK(length <= room, "beyond its room");
    if (length == 0) {
      FUZZ_CHECK(!work || room < kEnoughRoom, "work, room, and nothing was written");
      return;
    }
    FUZZ_CHECK(work, "written, and there was no work");
    FUZZ_CHECK(carried.kind == FrameRef::kData && carried.channel == kChannel, "reference");
    FUZZ_CHECK(carried.begin < carried.end, "an empty range");
    FUZZ_CHECK(carried.begin == (lost_at != UINT64_MAX ? lost_at : sent_), "not what comes next");
    FUZZ_CHECK(carried.end <= (lost_at != UINT64_MAX ? sent_ : starts_[limit()]), "too far");
    for (uint64_t at = carried.begin; at < carried.end; at++) {
      FUZZ_CHECK(bytes_[at] == (lost_at != UINT64_MAX ? Byte::kLost : Byte::kUnsent),
                 "byte %llu was not to be sent", static_cast<unsigned long long>(at));
      bytes_[at] = Byte::kFlying;
    }
    sent_ = std::max(sent_, carried.end);
    FUZZ_CHECK(carried.again == (lost_at != UINT64_MAX), "whether it was sent before");
    packets_.push_back({carried.begin, carried.end, carried.again});
    const std::vector<uint8_t> exact(packet.data(), end);
    check_frames(exact, carried.begin, carried.end);
  }

  uint64_t first_lost() const {
    const auto end = bytes_.begin() + static_cast<ptrdiff_t>(sent_);
    const auto base = bytes_.begin() + static_cast<ptrdiff_t>(starts_[base_]);
    const auto found = std::find(base, end, Byte::kLost);
    return found == end ? UINT64_MAX : static_cast<uint64_t>(found - bytes_.begin());
  }

  // The frames are the bytes [begin, end) of the stream, and nothing else.
  void check_frames(const std::vector<uint8_t>& packet, uint64_t begin, uint64_t end) {
    wire::FrameReader reader(packet.data(), packet.size());
    wire::Frame frame;
    uint64_t at = begin;
    while (reader.next(frame) == wire::FrameReader::Next::kFrame) {
      const uint64_t message = message_at(at);
      const uint64_t sequence = first_ + message;
      if (frame.type() == wire::FrameType::kMessage) {
        FUZZ_CHECK(frame.message.channel == kChannel, "channel");
        FUZZ_CHECK(frame.message.sequence32 == wire::truncate32(sequence), "sequence");
        FUZZ_CHECK(starts_[message] == at, "messages that begin inside one");
        std::vector<uint8_t> expected;
        for (uint32_t i = 0; i < frame.message.count; i++) {
          stream_.append_block(sequence + i, stream_.length(sequence + i), expected);
        }
        FUZZ_CHECK(expected.size() == frame.message.length &&
                       std::equal(expected.begin(), expected.end(), frame.message.data),
                   "other messages");
        at += frame.message.length;
      } else {
        FUZZ_CHECK(frame.type() == wire::FrameType::kFragment, "another frame");
        const wire::Fragment& piece = frame.fragment;
        FUZZ_CHECK(piece.channel == kChannel, "channel");
        FUZZ_CHECK(piece.sequence32 == wire::truncate32(sequence), "sequence");
        const size_t total = stream_.length(sequence);
        FUZZ_CHECK(piece.total == total, "total");
        const uint64_t body = starts_[message] + wire::varint_size(total);
        FUZZ_CHECK(piece.offset == (at > body ? at - body : 0), "offset");
        const std::vector<uint8_t> whole = stream_.body(sequence, total);
        FUZZ_CHECK(std::equal(piece.data, piece.data + piece.length,
                              whole.begin() + static_cast<ptrdiff_t>(piece.offset)),
                   "other bytes");
        at = body + piece.offset + piece.length;
      }
    }
    FUZZ_CHECK(reader.error() == nullptr, "%s", reader.error());
    FUZZ_CHECK(at == end, "the frames say %llu, the reference %llu",
               static_cast<unsigned long long>(at), static_cast<unsigned long long>(end));
  }

  void settle(uint64_t begin, uint64_t end, Byte state) {
    for (uint64_t at = begin; at < end; at++) {
      if (bytes_[at] != Byte::kAcknowledged) bytes_[at] = state;
    }
    while (base_ < published_ && starts_[base_ + 1] <= sent_) {
      for (uint64_t at = starts_[base_]; at < starts_[base_ + 1]; at++) {
        if (bytes_[at] != Byte::kAcknowledged) return;
      }
      base_++;
    }
  }

  // Also of a packet that was given up: the loss was spurious.
  void acknowledge(size_t index) {
    const Packet packet = packets_[index];
    packets_.erase(packets_.begin() + static_cast<ptrdiff_t>(index));
    const uint64_t refused = memory_.refused();
    if (!out_.on_acknowledged(packet.begin, packet.end)) {
      // The session ends with OUT_OF_MEMORY.
      FUZZ_CHECK(memory_.refused() != refused, "no memory, but none was refused");
      over_ = true;
      return;
    }
    settle(packet.begin, packet.end, Byte::kAcknowledged);
  }

  void lose(size_t index) {
    Packet& packet = packets_[index];
    if (packet.lost) return;
    packet.lost = true;
    const uint64_t refused = memory_.refused();
    if (!out_.on_lost(packet.begin, packet.end, packet.again)) {
      FUZZ_CHECK(memory_.refused() != refused, "no memory, but none was refused");
      over_ = true;
      return;
    }
    requested_.resize(bytes_.size(), false);
    for (uint64_t at = packet.begin; at < packet.end; at++) {
      // What was asked for is repeated already.
      const bool repeated = requested_[at] && !packet.again;
      if (!repeated && bytes_[at] != Byte::kAcknowledged) bytes_[at] = Byte::kLost;
    }
  }

  void count(uint64_t sequence) {
    const uint64_t fully_sent = sent_ == starts_[begun()] ? begun() : begun() - 1;
    FUZZ_CHECK(out_.fully_sent() == first_ + fully_sent, "fully sent");
    sequence = std::min(sequence, first_ + fully_sent);
    const uint64_t before = base_;
    const uint64_t moved = out_.on_count(sequence);
    if (sequence > first_ + base_) {
      settle(starts_[base_], starts_[sequence - first_], Byte::kAcknowledged);
    }
    FUZZ_CHECK(moved == base_ - before, "moved by %llu", static_cast<unsigned long long>(moved));
  }

  // The peer asks for messages: those of them that are on their way go again.
  void request(uint64_t first, uint64_t count) {
    const uint64_t refused = memory_.refused();
    out_.on_request(first, count, 0);
    if (memory_.refused() != refused) {
      over_ = true;  // what it remembers of them cannot be told
      return;
    }
    const uint64_t end = std::min(first - first_ + count, begun());
    const uint64_t begin = std::min(std::max(first - first_, base_), end);
    requested_.resize(bytes_.size(), false);
    for (uint64_t at = starts_[begin]; at < std::min(starts_[end], sent_); at++) {
      if (bytes_[at] != Byte::kAcknowledged) bytes_[at] = Byte::kLost;
      requested_[at] = true;
    }
  }

  void check() {
    FUZZ_CHECK(out_.base() == first_ + base_, "base");
    FUZZ_CHECK(out_.next_position() == sent_, "position");
    FUZZ_CHECK(out_.next_sequence() == first_ + begun(), "next");
    FUZZ_CHECK(out_.in_flight() == begun() - base_, "in flight");
    FUZZ_CHECK(out_.has_lost() == (first_lost() != UINT64_MAX), "lost");
    FUZZ_CHECK(out_.sendable() == starts_[limit()] - sent_, "sendable");
    FUZZ_CHECK(out_.all_sent() == (sent_ == starts_[published_]), "all sent");
    FUZZ_CHECK(out_.all_acknowledged() == (base_ == published_), "all acknowledged");
    FUZZ_CHECK(out_.cost_below(out_.next_sequence()) == cost_below(begun()), "cost");
    FUZZ_CHECK(out_.ring().unsent() == starts_.back() - sent_, "unsent");
    uint64_t wanted = 0;
    const bool blocked = begun() < published_ && cost_below(begun() + 1) > credit_;
    FUZZ_CHECK(out_.blocked_by_credit(wanted) == blocked, "blocked");
    FUZZ_CHECK(!blocked || wanted == cost_below(begun() + 1), "wanted");
    FUZZ_CHECK(memory_.misuse() == nullptr, "%s", memory_.misuse());
  }

  // With enough window and credit, and a path that loses nothing any more, all of it goes.
  void finish() {
    memory_.fail_after(0, 0);
    publish();
    window_ = 65'536;
    out_.set_window(window_);
    credit_ = uint64_t{1} << 40;
    out_.raise_credit(credit_);
    while (!packets_.empty()) {
      lose(0);
      packets_.erase(packets_.begin());
    }
    while (out_.has_work()) {
      write(1'200);
      check();
    }
    while (!packets_.empty()) acknowledge(packets_.size() - 1);
    check();
    FUZZ_CHECK(out_.all_sent() && out_.all_acknowledged(), "something is left");
    out_.ring().trim();
    FUZZ_CHECK(out_.ring().memory_bytes() == 0, "an empty ring keeps memory");
  }

  Script& script_;
  const uint64_t first_;
  Stream stream_;
  sim::SimMemory& memory_;
  Outbound out_;
  bool over_ = false;

  // Where message i begins; the last one is where the next will.
  std::vector<uint64_t> starts_;
  std::vector<Byte> bytes_;
  std::vector<bool> requested_;  // by byte; may be shorter than the stream
  std::vector<Packet> packets_;
  uint64_t published_ = 0;  // messages
  uint64_t base_ = 0;       // messages
  uint64_t sent_ = 0;       // bytes
  uint32_t window_ = 0;
  uint64_t credit_ = 0;
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
