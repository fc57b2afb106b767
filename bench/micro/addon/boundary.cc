// What lies between JavaScript and the core: a call, a message copied into the ring, and a batch
// handed over. The calls are made from JavaScript, one by one.

#include <cstring>
#include <vector>

#include "binding/arguments.h"
#include "binding/slab_sink.h"
#include "loops.h"
#include "transport/send_ring.h"
#include "wire/varint.h"

namespace hawser::micro {
namespace {

using binding::Arguments;
using binding::Bytes;
using binding::SlabSink;
using transport::HeapMemory;
using transport::SendRing;

uint32_t calls = 0;

napi_value nothing(napi_env, napi_callback_info) {
  calls++;
  return nullptr;
}

napi_value calls_so_far(napi_env env, napi_callback_info) {
  return binding::to_js(env, static_cast<int32_t>(calls));
}

// As the package's own send(channel, bytes, length): the same reading of arguments and the same
// ring. What is in it is forgotten when there is a lot, as when it was acknowledged.
constexpr uint64_t kMuch = 1u << 20;

struct Out {
  HeapMemory memory;
  SendRing ring{memory, 1};
};
Out& out() {
  static Out made;
  return made;
}

napi_value send(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Bytes bytes;
  if (!binding::read_bytes(env, arguments[1], &bytes)) return binding::to_js(env, -1);
  double wanted = 0;
  if (napi_get_value_double(env, arguments[2], &wanted) == napi_ok) {
    bytes.length = static_cast<size_t>(binding::to_integer(wanted, bytes.length));
  }
  SendRing& ring = out().ring;
  if (arguments.handle(0) != 1) return binding::to_js(env, -1);
  while (!ring.push(bytes.data, bytes.length)) {
    if (!ring.grow(bytes.length)) return binding::to_js(env, -1);
  }
  if (ring.unsent() > kMuch) {
    ring.publish();
    ring.set_sent_position(ring.published_position());
    ring.free_below(ring.published_sequence());
  }
  return binding::to_js(env, 0);
}

// The last `length` bytes that were pushed.
napi_value pushed(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  SendRing& ring = out().ring;
  ring.publish();
  std::vector<uint8_t> bytes(static_cast<size_t>(arguments.number(0)));
  if (ring.published_position() - ring.tail_position() < bytes.size()) return nullptr;
  ring.copy(ring.published_position() - bytes.size(), bytes.size(), bytes.data());
  return to_buffer(env, bytes.data(), bytes.size());
}

// The package's own sink, which puts messages into slabs, and its tables.
SlabSink& sink() {
  static SlabSink made;
  return made;
}

template <typename Word>
Word* words(napi_env env, napi_value value, size_t* count) {
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, nullptr, count, &data, nullptr, nullptr) != napi_ok) {
    return nullptr;
  }
  return static_cast<Word*>(data);
}

// (slabs, bytes of a slab, runs, entries)
napi_value reset_sink(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  SlabSink::Tables tables{};
  tables.runs = words<int32_t>(env, arguments[2], &tables.run_capacity);
  tables.run_capacity /= 4;
  tables.entries = words<int32_t>(env, arguments[3], &tables.entry_capacity);
  tables.entry_capacity /= 2;
  sink().reset(env, arguments.handle(0), static_cast<size_t>(arguments.number(1)), tables);
  return nullptr;
}

napi_value supply_slab(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  return binding::to_js(env, sink().supply(arguments.handle(0), arguments[1]) ? 1 : 0);
}

// (messages, bytes of each): one run of them goes into the slabs, as of channel 1. Answers the rows
// of the table; spent() says how many slabs wait for new memory.
napi_value deliver(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  static std::vector<uint8_t> run;
  static int32_t count = 0;
  static int32_t length = 0;
  if (count != arguments.handle(0) || length != arguments.handle(1)) {
    count = arguments.handle(0);
    length = arguments.handle(1);
    run.clear();
    uint8_t prefix[8];
    for (int32_t i = 0; i < count; i++) {
      run.insert(run.end(), prefix, wire::write_varint(prefix, static_cast<uint64_t>(length)));
      run.insert(run.end(), static_cast<size_t>(length), static_cast<uint8_t>(i));
    }
  }
  // The sink looks at nothing of a channel but whose it is.
  alignas(transport::Channel) static unsigned char place[sizeof(transport::Channel)];
  auto& channel = *reinterpret_cast<transport::Channel*>(place);
  channel.user = 2;  // the handle + 1
  sink().begin();
  // It may need the next slab.
  for (int i = 0; i < 2; i++) {
    if (sink().take(channel, 1, run.data(), run.size(), static_cast<uint32_t>(count))) break;
  }
  return binding::to_js(env, static_cast<int32_t>(sink().runs()));
}

napi_value spent(napi_env env, napi_callback_info) { return binding::to_js(env, sink().spent()); }

}  // namespace

void export_boundary(napi_env env, napi_value exports) {
  export_call(env, exports, "nothing", &nothing);
  export_call(env, exports, "callsSoFar", &calls_so_far);
  export_call(env, exports, "send", &send);
  export_call(env, exports, "pushed", &pushed);
  export_call(env, exports, "resetSink", &reset_sink);
  export_call(env, exports, "supplySlab", &supply_slab);
  export_call(env, exports, "deliver", &deliver);
  export_call(env, exports, "spent", &spent);
}

}  // namespace hawser::micro
