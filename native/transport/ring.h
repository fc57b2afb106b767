#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "transport/memory.h"

namespace hawser::transport {

// A growable queue of plain data over Memory, addressed by a number that only rises: the first
// element ever pushed is number `first()` at that moment, each next one more. Elements keep their
// numbers. Growth doubles, but goes from 256 to 1,024 elements in one step: what is busy enough for
// more than the first has its size at once, and does not ask for memory again later, when more
// happens to be on its way than ever before; without memory for that, half has to do. Nothing is
// allocated while the queue stays within its capacity.
template <typename T>
class Ring {
  static_assert(std::is_trivially_copyable_v<T>, "Ring moves its elements with memcpy");

 public:
  explicit Ring(Memory& memory, uint64_t first = 0)
      : memory_(&memory), first_(first), end_(first) {}
  ~Ring() { release(); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Number of the oldest element.
  uint64_t first() const { return first_; }
  // One past the number of the newest element.
  uint64_t end() const { return end_; }
  size_t size() const { return static_cast<size_t>(end_ - first_); }
  bool empty() const { return first_ == end_; }
  size_t capacity() const { return capacity_; }
  bool contains(uint64_t number) const { return number >= first_ && number < end_; }

  T& operator[](uint64_t number) { return data_[number & (capacity_ - 1)]; }
  const T& operator[](uint64_t number) const { return data_[number & (capacity_ - 1)]; }
  T& front() { return (*this)[first_]; }
  const T& front() const { return (*this)[first_]; }
  T& back() { return (*this)[end_ - 1]; }
  const T& back() const { return (*this)[end_ - 1]; }

  [[nodiscard]] bool reserve(size_t wanted) {
    if (wanted <= capacity_) return true;
    size_t grown = capacity_ == 0 ? kFirst : capacity_;
    while (grown < wanted) grown = grown == kFew ? kMany : grown * 2;
    auto* fresh = static_cast<T*>(memory_->allocate(grown * sizeof(T)));
    if (fresh == nullptr && grown == kMany && wanted <= kMany / 2) {
      grown = kMany / 2;
      fresh = static_cast<T*>(memory_->allocate(grown * sizeof(T)));
    }
    if (fresh == nullptr) return false;
    for (uint64_t i = first_; i != end_; i++) fresh[i & (grown - 1)] = data_[i & (capacity_ - 1)];
    memory_->release(data_, capacity_ * sizeof(T));
    data_ = fresh;
    capacity_ = grown;
    return true;
  }

  [[nodiscard]] bool push_back(const T& value) {
    const T copy = value;  // `value` may lie inside this ring
    if (!reserve(size() + 1)) return false;
    data_[end_++ & (capacity_ - 1)] = copy;
    return true;
  }

  // Both need size() > 0.
  void pop_front() { first_++; }
  void pop_back() { end_--; }
  void pop_front_until(uint64_t number) { first_ = number; }

  // The next element will have this number; needs an empty queue.
  void rebase(uint64_t number) { first_ = end_ = number; }

  // Gives the memory back; needs an empty queue to keep the numbers meaningful.
  void release() {
    memory_->release(data_, capacity_ * sizeof(T));
    data_ = nullptr;
    capacity_ = 0;
    first_ = end_;
  }

 private:
  static constexpr size_t kFirst = 4;
  static constexpr size_t kFew = 256;
  static constexpr size_t kMany = 1024;

  Memory* memory_;
  T* data_ = nullptr;
  size_t capacity_ = 0;
  uint64_t first_;
  uint64_t end_;
};

}  // namespace hawser::transport
