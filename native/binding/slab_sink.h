// Puts messages where JS reads them: copied one behind the other into slabs, ArrayBuffers that JS
// supplies ahead, with a table of where each message lies. What lies in a slab is never written
// again, so that a message stays valid for as long as JS keeps a view of it.
//
// Slabs are filled in turn, 0 to n-1 and round again. One that has no room for the next run is
// spent; JS answers the batch call that says so with fresh memory, in the same order. A run larger
// than a slab takes (kLargestInSlab, or the slab's size) gets a Buffer for each of its messages.
//
// JS thread only.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "transport/message_sink.h"

namespace hawser::binding {

class SlabSink final : public transport::MessageSink {
 public:
  static constexpr int32_t kMaxSlabs = 64;
  static constexpr size_t kLargestInSlab = 128u << 10;

  // Rows of [channel, first entry, entries, slab] and pairs of [offset, length] (native_types.ts).
  struct Tables {
    int32_t* runs;
    size_t run_capacity;
    int32_t* entries;
    size_t entry_capacity;
  };

  SlabSink() = default;
  SlabSink(const SlabSink&) = delete;
  SlabSink& operator=(const SlabSink&) = delete;

  // Forgets all slabs and begins with slab 0 once it is supplied.
  void reset(napi_env env, int32_t slabs, size_t slab_bytes, const Tables& tables);
  // False: not an ArrayBuffer of the size agreed, or no such slab.
  bool supply(int32_t index, napi_value memory);

  // Around the time that it is lent to the core. A handle scope must be open from begin() to the
  // end of the batch call.
  void begin();
  bool take(transport::Channel& channel, uint64_t first, const uint8_t* run, size_t length,
            uint32_t count) override;

  // A run was refused since begin().
  bool full() const { return full_; }
  size_t runs() const { return runs_; }
  // Taken since begin(), the messages' lengths included.
  size_t bytes() const { return bytes_; }
  // The Buffers of large messages: an array, nullptr when there are none.
  napi_value large() const { return large_; }
  // Slabs that wait for fresh memory.
  int32_t spent() const { return spent_; }
  // Nothing can be taken until JS supplies one.
  bool out_of_slabs() const { return spent_ == count_ || slabs_[current_].data == nullptr; }

 private:
  struct Slab {
    napi_ref reference = nullptr;
    uint8_t* data = nullptr;
    size_t used = 0;
  };

  bool room_for_rows(uint32_t count) const;
  bool find_room(size_t length);
  bool usable(Slab& slab);
  bool take_large(int32_t handle, const uint8_t* run, size_t length, uint32_t count);
  void add_row(int32_t handle, size_t first_entry, uint32_t count, int32_t slab);

  napi_env env_ = nullptr;
  Tables tables_{};
  Slab slabs_[kMaxSlabs];
  int32_t count_ = 0;
  size_t slab_bytes_ = 0;
  int32_t current_ = 0;
  int32_t spent_ = 0;

  size_t runs_ = 0;
  size_t bytes_ = 0;
  size_t entries_ = 0;
  uint32_t large_count_ = 0;
  size_t large_bytes_ = 0;
  napi_value large_ = nullptr;
  bool full_ = false;
};

}  // namespace hawser::binding
