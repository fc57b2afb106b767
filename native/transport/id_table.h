#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/memory.h"

namespace hawser::transport {

// An open-addressing hash table from 64-bit ids to pointers. Keyed with a secret, so that somebody
// who chooses ids cannot choose collisions cheaply. Iteration order is unspecified.
template <typename T>
class IdTable {
 public:
  // secret: random, per table.
  IdTable(Memory& memory, uint64_t secret) : memory_(&memory), secret_(secret | 1) {}
  ~IdTable() { memory_->release(cells_, capacity_ * sizeof(Cell)); }
  IdTable(const IdTable&) = delete;
  IdTable& operator=(const IdTable&) = delete;

  size_t size() const { return size_; }

  T* find(uint64_t id) const {
    if (size_ == 0) return nullptr;
    for (size_t i = slot(id);; i = (i + 1) & (capacity_ - 1)) {
      if (cells_[i].value == nullptr) return nullptr;
      if (cells_[i].id == id) return cells_[i].value;
    }
  }

  // `id` must be absent and `value` not null. False: no memory, nothing changed.
  [[nodiscard]] bool insert(uint64_t id, T* value) {
    if ((size_ + 1) * 4 > capacity_ * 3 && !rehash(capacity_ == 0 ? 8 : capacity_ * 2)) {
      return false;
    }
    place(id, value);
    size_++;
    return true;
  }

  void erase(uint64_t id) {
    if (size_ == 0) return;
    size_t hole = slot(id);
    while (cells_[hole].value != nullptr && cells_[hole].id != id) {
      hole = (hole + 1) & (capacity_ - 1);
    }
    if (cells_[hole].value == nullptr) return;
    // Linear probing without tombstones: close the gap with what may move into it.
    for (size_t i = (hole + 1) & (capacity_ - 1); cells_[i].value != nullptr;
         i = (i + 1) & (capacity_ - 1)) {
      const size_t home = slot(cells_[i].id);
      if (((i - home) & (capacity_ - 1)) >= ((i - hole) & (capacity_ - 1))) {
        cells_[hole] = cells_[i];
        hole = i;
      }
    }
    cells_[hole].value = nullptr;
    size_--;
    if (size_ == 0 || (capacity_ > 64 && size_ * 8 < capacity_)) shrink();
  }

  // Calls visit(T*) for each value. The table must not change meanwhile.
  template <typename Visit>
  void each(Visit visit) const {
    for (size_t i = 0; i < capacity_; i++) {
      if (cells_[i].value != nullptr) visit(cells_[i].value);
    }
  }

  // Any one value, nullptr when empty.
  T* any() const {
    for (size_t i = 0; i < capacity_; i++) {
      if (cells_[i].value != nullptr) return cells_[i].value;
    }
    return nullptr;
  }

 private:
  struct Cell {
    uint64_t id;
    T* value;
  };

  size_t slot(uint64_t id) const {
    uint64_t mixed = (id ^ (secret_ >> 7)) * secret_;
    mixed = (mixed ^ (mixed >> 32)) * 0x9e3779b97f4a7c15u;
    return static_cast<size_t>(mixed >> 32) & (capacity_ - 1);
  }

  void place(uint64_t id, T* value) {
    size_t i = slot(id);
    while (cells_[i].value != nullptr) i = (i + 1) & (capacity_ - 1);
    cells_[i] = {id, value};
  }

  bool rehash(size_t capacity) {
    auto* fresh = static_cast<Cell*>(memory_->allocate(capacity * sizeof(Cell)));
    if (fresh == nullptr) return false;
    for (size_t i = 0; i < capacity; i++) fresh[i] = {0, nullptr};
    Cell* old = cells_;
    const size_t old_capacity = capacity_;
    cells_ = fresh;
    capacity_ = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
      if (old[i].value != nullptr) place(old[i].id, old[i].value);
    }
    memory_->release(old, old_capacity * sizeof(Cell));
    return true;
  }

  void shrink() {
    if (size_ == 0) {
      memory_->release(cells_, capacity_ * sizeof(Cell));
      cells_ = nullptr;
      capacity_ = 0;
      return;
    }
    // No memory for the smaller table is no harm: the large one stays.
    (void)rehash(capacity_ / 2);
  }

  Memory* memory_;
  uint64_t secret_;
  Cell* cells_ = nullptr;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace hawser::transport
