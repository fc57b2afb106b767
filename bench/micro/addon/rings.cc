// The ring of messages to be sent, and what puts received ones in order.

#include <cstring>
#include <vector>

#include "loops.h"
#include "transport/inbound.h"
#include "transport/send_ring.h"
#include "wire/varint.h"

namespace hawser::micro {
namespace {

using transport::BlockPool;
using transport::Channel;
using transport::HeapMemory;
using transport::Inbound;
using transport::MessageSink;
using transport::SendRing;

constexpr uint32_t kBatch = 64;
constexpr size_t kPacket = 1'200;

// A message pushed, copied into packets with its neighbours, and forgotten when it is acknowledged.
// Bytes that were copied.
template <size_t kBytes>
double send(uint32_t count) {
  static HeapMemory memory;
  static SendRing ring(memory, 1);
  static uint8_t message[kBytes];
  uint8_t packet[kPacket];
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < count; i++) {
    message[0]++;
    while (!ring.push(message, kBytes)) {
      if (!ring.grow(kBytes)) return -1;
    }
    if ((i + 1) % kBatch != 0 && i + 1 != count) continue;
    ring.publish();
    const uint64_t end = ring.published_position();
    for (uint64_t at = ring.tail_position(); at < end;) {
      const size_t part = end - at < kPacket ? static_cast<size_t>(end - at) : kPacket;
      ring.copy(at, part, packet);
      at += part;
      bytes += part;
      ring.set_sent_position(at);
    }
    ring.free_below(ring.published_sequence());
  }
  return static_cast<double>(bytes);
}

// Reads as an application does that copies.
class Reader final : public MessageSink {
 public:
  bool take(Channel&, uint64_t first, const uint8_t* run, size_t length, uint32_t count) override {
    in_order = in_order && first == next;
    std::memcpy(place_, run, length);
    next += count;
    taken += count;
    return true;
  }

  uint64_t next = 1;
  uint64_t taken = 0;
  bool in_order = true;

 private:
  uint8_t place_[kPacket];
};

// Inbound hands it on to the sink, which does not look at it.
Channel& some_channel() {
  alignas(uint64_t) static unsigned char place[1];
  return *reinterpret_cast<Channel*>(place);
}

struct Receiver {
  static constexpr size_t kBytes = 64;
  static constexpr uint32_t kRun = 16;

  Receiver() {
    uint8_t prefix[8];
    for (uint32_t i = 0; i < kRun; i++) {
      run.insert(run.end(), prefix, wire::write_varint(prefix, kBytes));
      run.insert(run.end(), kBytes, static_cast<uint8_t>(i));
    }
    in.set_demand(transport::Demand::kContinuous);
  }
  bool put(uint64_t first) {
    return in.on_message(some_channel(), first, run.data(), run.size(), kRun, &reader) ==
           Inbound::Result::kTaken;
  }

  HeapMemory memory;
  BlockPool pool{memory};
  Inbound in{memory, pool, 1, uint64_t{1} << 60};
  Reader reader;
  std::vector<uint8_t> run;
};

// Runs of 16 messages; `count` is that of messages. Messages that were handed over.
double receive(uint32_t count, bool swapped) {
  static Receiver receiver;
  const uint64_t before = receiver.reader.taken;
  for (uint32_t i = 0; i < count; i += 2 * Receiver::kRun) {
    const uint64_t first = receiver.in.expected();
    const uint64_t second = first + Receiver::kRun;
    if (!receiver.put(swapped ? second : first) || !receiver.put(swapped ? first : second)) {
      return -1;
    }
    // The second half waited for the first, and goes with it.
    receiver.in.deliver(some_channel(), &receiver.reader);
  }
  return receiver.reader.in_order ? static_cast<double>(receiver.reader.taken - before) : -1;
}

double receive_in_order(uint32_t count) { return receive(count, false); }
double receive_swapped(uint32_t count) { return receive(count, true); }

}  // namespace

void export_rings(napi_env env, napi_value exports) {
  export_loop(env, exports, "send64", &send<64>);
  export_loop(env, exports, "send1024", &send<1'024>);
  export_loop(env, exports, "receiveInOrder", &receive_in_order);
  export_loop(env, exports, "receiveSwapped", &receive_swapped);
}

}  // namespace hawser::micro
