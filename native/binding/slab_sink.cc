#include "binding/slab_sink.h"

#include <algorithm>
#include <cstring>

#include "transport/channel.h"
#include "wire/frames.h"

namespace hawser::binding {
namespace {

constexpr size_t kRunColumns = 4;
// Bytes of large messages in one batch, but for a single larger one.
constexpr size_t kLargeBytes = 32u << 20;

}  // namespace

void SlabSink::reset(napi_env env, int32_t slabs, size_t slab_bytes, const Tables& tables) {
  env_ = env;
  tables_ = tables;
  for (Slab& slab : slabs_) {
    if (slab.reference != nullptr) napi_delete_reference(env_, slab.reference);
    slab = Slab{};
  }
  count_ = slabs;
  slab_bytes_ = slab_bytes;
  current_ = 0;
  spent_ = 0;
}

bool SlabSink::supply(int32_t index, napi_value memory) {
  if (index < 0 || index >= count_) return false;
  bool is_buffer = false;
  void* data = nullptr;
  size_t length = 0;
  if (napi_is_arraybuffer(env_, memory, &is_buffer) != napi_ok || !is_buffer) return false;
  if (napi_get_arraybuffer_info(env_, memory, &data, &length) != napi_ok) return false;
  if (data == nullptr || length < slab_bytes_) return false;
  napi_ref reference = nullptr;
  if (napi_create_reference(env_, memory, 1, &reference) != napi_ok) return false;
  Slab& slab = slabs_[index];
  if (slab.reference != nullptr) napi_delete_reference(env_, slab.reference);
  slab = Slab{reference, static_cast<uint8_t*>(data), 0};
  // They are spent in turn: the one spent first is `spent_` before the current one.
  if (spent_ > 0 && index == (current_ - spent_ + count_) % count_) spent_--;
  return true;
}

void SlabSink::begin() {
  runs_ = 0;
  bytes_ = 0;
  entries_ = 0;
  large_count_ = 0;
  large_bytes_ = 0;
  large_ = nullptr;
  full_ = false;
  // Somebody may have transferred the slab away, and its memory with it.
  if (spent_ < count_ && slabs_[current_].data != nullptr && !usable(slabs_[current_])) {
    current_ = (current_ + 1) % count_;
    spent_++;
  }
}

bool SlabSink::usable(Slab& slab) {
  if (slab.data == nullptr) return false;
  napi_value memory = nullptr;
  bool detached = true;
  if (napi_get_reference_value(env_, slab.reference, &memory) == napi_ok && memory != nullptr) {
    napi_is_detached_arraybuffer(env_, memory, &detached);
  }
  if (detached) slab.data = nullptr;
  return !detached;
}

bool SlabSink::room_for_rows(uint32_t count) const {
  return runs_ < tables_.run_capacity && entries_ + count <= tables_.entry_capacity;
}

// Makes the current slab one with room for `length` bytes.
bool SlabSink::find_room(size_t length) {
  while (spent_ < count_) {
    Slab& slab = slabs_[current_];
    if (slab.data == nullptr) return false;  // not supplied yet
    if (slab_bytes_ - slab.used >= length) return true;
    current_ = (current_ + 1) % count_;
    spent_++;
    if (spent_ < count_ && slabs_[current_].data != nullptr) {
      while (spent_ < count_ && !usable(slabs_[current_])) {
        current_ = (current_ + 1) % count_;
        spent_++;
      }
    }
  }
  return false;
}

bool SlabSink::take(transport::Channel& channel, uint64_t /*first*/, const uint8_t* run,
                    size_t length, uint32_t count) {
  if (full_) return false;
  const auto handle = static_cast<int32_t>(channel.user) - 1;
  // Nobody reads what nobody has a handle for.
  if (handle < 0) return true;
  if (!room_for_rows(count)) {
    full_ = true;
    return false;
  }
  if (length > std::min(kLargestInSlab, slab_bytes_)) {
    full_ = !take_large(handle, run, length, count);
    return !full_;
  }
  if (!find_room(length)) {
    full_ = true;
    return false;
  }
  Slab& slab = slabs_[current_];
  uint8_t* place = slab.data + slab.used;
  std::memcpy(place, run, length);
  const size_t first_entry = entries_;
  int32_t* entry = tables_.entries + 2 * entries_;
  const auto base = static_cast<int32_t>(slab.used);
  (void)wire::walk_blocks(run, run + length, [&entry, base, run](const uint8_t* body, size_t size) {
    entry[0] = base + static_cast<int32_t>(body - run);
    entry[1] = static_cast<int32_t>(size);
    entry += 2;
  });
  entries_ += count;
  slab.used += length;
  bytes_ += length;
  add_row(handle, first_entry, count, current_);
  return true;
}

// Continues the last row where the run continues it.
void SlabSink::add_row(int32_t handle, size_t first_entry, uint32_t count, int32_t slab) {
  if (runs_ > 0) {
    int32_t* last = tables_.runs + (runs_ - 1) * kRunColumns;
    if (last[0] == handle && last[3] == slab) {
      last[2] += static_cast<int32_t>(count);
      return;
    }
  }
  int32_t* row = tables_.runs + runs_++ * kRunColumns;
  row[0] = handle;
  row[1] = static_cast<int32_t>(first_entry);
  row[2] = static_cast<int32_t>(count);
  row[3] = slab;
}

bool SlabSink::take_large(int32_t handle, const uint8_t* run, size_t length, uint32_t count) {
  if (large_bytes_ != 0 && large_bytes_ + length > kLargeBytes) return false;
  if (large_ == nullptr && napi_create_array(env_, &large_) != napi_ok) {
    large_ = nullptr;
    return false;
  }
  const size_t first_entry = entries_;
  const uint8_t* at = run;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t* body = nullptr;
    size_t size = 0;
    at = wire::next_block(at, run + length, body, size);
    napi_value buffer = nullptr;
    if (napi_create_buffer_copy(env_, size, body, nullptr, &buffer) != napi_ok ||
        napi_set_element(env_, large_, large_count_ + i, buffer) != napi_ok) {
      return false;
    }
    int32_t* entry = tables_.entries + 2 * (first_entry + i);
    entry[0] = static_cast<int32_t>(large_count_ + i);
    entry[1] = static_cast<int32_t>(size);
  }
  entries_ += count;
  large_count_ += count;
  large_bytes_ += length;
  bytes_ += length;
  add_row(handle, first_entry, count, -1);
  return true;
}

}  // namespace hawser::binding
