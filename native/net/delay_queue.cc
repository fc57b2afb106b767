#include "net/delay_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace hawser::net {

DelayQueue::DelayQueue(size_t max_bytes, size_t max_count)
    : max_bytes_(max_bytes), max_count_(max_count) {}

DelayQueue::~DelayQueue() { clear(); }

// The heap algorithms keep the largest on top; the largest is to be the earliest.
bool DelayQueue::later(const Entry& a, const Entry& b) {
  if (a.release_time != b.release_time) return a.release_time > b.release_time;
  return a.sequence > b.sequence;
}

size_t DelayQueue::class_of(size_t size) {
  size_t size_class = 0;
  while (kClassBytes[size_class] < size) ++size_class;
  return size_class;
}

size_t DelayQueue::footprint(size_t size_class) { return sizeof(Buffer) + kClassBytes[size_class]; }

uint8_t* DelayQueue::push(int64_t release_time, const Address& address, uint32_t tag,
                          const uint8_t* data, size_t size) {
  Buffer* buffer = nullptr;
  if (size <= kMaxDatagramBytes && count_ < max_count_ && reserve_entry()) {
    buffer = take_buffer(class_of(size));
  }
  if (buffer == nullptr) {
    ++dropped_;
    return nullptr;
  }
  buffer->address = address;
  buffer->tag = tag;
  buffer->size = static_cast<uint32_t>(size);
  if (size != 0) std::memcpy(buffer->data(), data, size);

  heap_[count_++] = Entry{release_time, next_sequence_++, buffer};
  std::push_heap(heap_, heap_ + count_, later);
  payload_bytes_ += size;
  return buffer->data();
}

bool DelayQueue::pop_due(int64_t now, DelayedDatagram* out) {
  if (popped_ != nullptr) recycle(popped_);
  popped_ = nullptr;
  if (count_ == 0 || heap_[0].release_time > now) return false;
  std::pop_heap(heap_, heap_ + count_, later);
  const Entry& entry = heap_[--count_];
  popped_ = entry.buffer;
  payload_bytes_ -= popped_->size;
  out->release_time = entry.release_time;
  out->address = popped_->address;
  out->tag = popped_->tag;
  out->data = popped_->data();
  out->size = popped_->size;
  return true;
}

void DelayQueue::clear() {
  if (popped_ != nullptr) free_buffer(popped_);
  popped_ = nullptr;
  for (size_t i = 0; i < count_; ++i) free_buffer(heap_[i].buffer);
  count_ = 0;
  payload_bytes_ = 0;
  free_spare_buffers(SIZE_MAX);
  std::free(heap_);
  heap_ = nullptr;
  heap_capacity_ = 0;
}

bool DelayQueue::reserve_entry() {
  if (count_ < heap_capacity_) return true;
  const size_t wanted = std::min(max_count_, std::max<size_t>(64, heap_capacity_ * 2));
  auto* grown = static_cast<Entry*>(std::realloc(heap_, wanted * sizeof(Entry)));
  if (grown == nullptr) return false;
  heap_ = grown;
  heap_capacity_ = wanted;
  return true;
}

DelayQueue::Buffer* DelayQueue::take_buffer(size_t size_class) {
  Buffer* buffer = spare_[size_class];
  if (buffer != nullptr) {
    spare_[size_class] = buffer->next_spare;
    return buffer;
  }
  const size_t wanted = footprint(size_class);
  if (wanted > max_bytes_) return nullptr;
  // Spare buffers of other sizes must not keep this one out.
  if (allocated_bytes_ + wanted > max_bytes_) free_spare_buffers(wanted);
  if (allocated_bytes_ + wanted > max_bytes_) return nullptr;
  buffer = static_cast<Buffer*>(std::malloc(wanted));
  if (buffer == nullptr) return nullptr;
  buffer->size_class = static_cast<uint32_t>(size_class);
  allocated_bytes_ += wanted;
  return buffer;
}

void DelayQueue::recycle(Buffer* buffer) {
  buffer->next_spare = spare_[buffer->size_class];
  spare_[buffer->size_class] = buffer;
}

void DelayQueue::free_spare_buffers(size_t wanted_bytes) {
  size_t freed = 0;
  for (Buffer*& list : spare_) {
    while (list != nullptr && freed < wanted_bytes) {
      Buffer* buffer = list;
      list = buffer->next_spare;
      freed += footprint(buffer->size_class);
      free_buffer(buffer);
    }
  }
}

void DelayQueue::free_buffer(Buffer* buffer) {
  allocated_bytes_ -= footprint(buffer->size_class);
  std::free(buffer);
}

}  // namespace hawser::net
