#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace hawser::binding {

// Small integers that name native objects to JS, from 1: what is not a number at all reads as 0,
// and names nothing. A released number rests until kRest others wait with it, so that a number used
// by mistake after its release is more likely nobody's than somebody else's. Entries are plain
// data; used on the JS thread only.
template <typename Entry>
class HandleTable {
  static_assert(std::is_trivially_copyable_v<Entry>);

 public:
  static constexpr int32_t kNone = -1;

  HandleTable() = default;
  ~HandleTable() { std::free(cells_); }
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;

  // kNone: no memory.
  int32_t add(const Entry& entry) {
    const int32_t handle = take_number();
    if (handle == kNone) return kNone;
    cells_[handle].entry = entry;
    cells_[handle].used = true;
    size_++;
    return handle;
  }

  void remove(int32_t handle) {
    if (get(handle) == nullptr) return;
    cells_[handle].used = false;
    cells_[handle].next_free = kNone;
    if (last_free_ != kNone) {
      cells_[last_free_].next_free = handle;
    } else {
      first_free_ = handle;
    }
    last_free_ = handle;
    free_++;
    size_--;
  }

  // nullptr when nobody has this number. Good until the next add().
  Entry* get(int64_t handle) {
    if (handle <= 0 || handle >= end_) return nullptr;
    Cell& cell = cells_[handle];
    return cell.used ? &cell.entry : nullptr;
  }

  int32_t size() const { return size_; }
  // One above the largest number ever given.
  int32_t end() const { return end_; }

 private:
  static constexpr int32_t kRest = 32;
  static constexpr int32_t kFirst = 64;
  static constexpr int32_t kMost = 1 << 28;

  struct Cell {
    Entry entry;
    int32_t next_free;
    bool used;
  };

  int32_t take_number() {
    if (free_ > kRest || (end_ >= capacity_ && !grow() && free_ > 0)) {
      const int32_t handle = first_free_;
      first_free_ = cells_[handle].next_free;
      if (first_free_ == kNone) last_free_ = kNone;
      free_--;
      return handle;
    }
    return end_ < capacity_ ? end_++ : kNone;
  }

  bool grow() {
    if (capacity_ >= kMost) return false;
    const int32_t capacity = capacity_ == 0 ? kFirst : capacity_ * 2;
    void* cells =
        std::realloc(static_cast<void*>(cells_), sizeof(Cell) * static_cast<size_t>(capacity));
    if (cells == nullptr) return false;
    cells_ = static_cast<Cell*>(cells);
    capacity_ = capacity;
    return true;
  }

  Cell* cells_ = nullptr;
  int32_t capacity_ = 0;
  int32_t end_ = 1;
  int32_t size_ = 0;
  int32_t free_ = 0;
  int32_t first_free_ = kNone;
  int32_t last_free_ = kNone;
};

// A growable list of numbers. Keeps its memory.
class NumberList {
 public:
  NumberList() = default;
  ~NumberList() { std::free(numbers_); }
  NumberList(const NumberList&) = delete;
  NumberList& operator=(const NumberList&) = delete;

  // False: no memory.
  [[nodiscard]] bool push(int32_t number) {
    if (size_ == capacity_) {
      const size_t capacity = capacity_ == 0 ? 64 : capacity_ * 2;
      void* numbers = std::realloc(numbers_, capacity * sizeof(int32_t));
      if (numbers == nullptr) return false;
      numbers_ = static_cast<int32_t*>(numbers);
      capacity_ = capacity;
    }
    numbers_[size_++] = number;
    return true;
  }
  void clear() { size_ = 0; }
  // Keeps the first `size`, or forgets the first `count`.
  void truncate(size_t size) { size_ = size; }
  void drop_front(size_t count) {
    if (count == 0) return;  // also: memmove takes no null pointer, even for nothing
    std::memmove(numbers_, numbers_ + count, (size_ - count) * sizeof(int32_t));
    size_ -= count;
  }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  int32_t& operator[](size_t index) { return numbers_[index]; }

 private:
  int32_t* numbers_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace hawser::binding
