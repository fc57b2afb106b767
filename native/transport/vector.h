#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "transport/memory.h"

namespace hawser::transport {

// A growable array of plain data over Memory. Growth answers false when there is no memory and
// leaves the contents as they were. Capacity is kept until clear_and_release().
template <typename T>
class Vector {
  static_assert(std::is_trivially_copyable_v<T>, "Vector moves its elements with memcpy");

 public:
  explicit Vector(Memory& memory) : memory_(&memory) {}
  ~Vector() { clear_and_release(); }
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }

  [[nodiscard]] bool reserve(size_t wanted) {
    if (wanted <= capacity_) return true;
    size_t grown = capacity_ == 0 ? kFirst : capacity_ * 2;
    while (grown < wanted) grown *= 2;
    auto* fresh = static_cast<T*>(memory_->allocate(grown * sizeof(T)));
    if (fresh == nullptr) return false;
    if (size_ != 0) std::memcpy(static_cast<void*>(fresh), data_, size_ * sizeof(T));
    memory_->release(data_, capacity_ * sizeof(T));
    data_ = fresh;
    capacity_ = grown;
    return true;
  }

  [[nodiscard]] bool push_back(const T& value) {
    const T copy = value;  // `value` may lie inside this array
    if (!reserve(size_ + 1)) return false;
    data_[size_++] = copy;
    return true;
  }

  [[nodiscard]] bool insert(size_t index, const T& value) {
    const T copy = value;
    if (!reserve(size_ + 1)) return false;
    std::memmove(static_cast<void*>(data_ + index + 1), data_ + index, (size_ - index) * sizeof(T));
    data_[index] = copy;
    size_++;
    return true;
  }

  void erase(size_t index, size_t count = 1) {
    if (count == 0) return;
    std::memmove(static_cast<void*>(data_ + index), data_ + index + count,
                 (size_ - index - count) * sizeof(T));
    size_ -= count;
  }

  void pop_back() { size_--; }
  void clear() { size_ = 0; }

  void clear_and_release() {
    memory_->release(data_, capacity_ * sizeof(T));
    data_ = nullptr;
    size_ = 0;
    capacity_ = 0;
  }

 private:
  static constexpr size_t kFirst = sizeof(T) >= 64 ? 4 : 8;

  Memory* memory_;
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace hawser::transport
