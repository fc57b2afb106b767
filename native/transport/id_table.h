#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/siphash.h"
#include "transport/memory.h"
#include "transport/types.h"
#include "wire/endian.h"

namespace hawser::transport {

// An open-addressing hash table from 64-bit ids to pointers. Keyed with a secret of its own
// (SipHash-2-4), so that somebody who chooses ids cannot choose collisions. Iteration order is
// unspecified.
template <typename T>
class IdTable {
 public:
  IdTable(Memory& memory, Random& random) : memory_(&memory) { random.fill(key_, sizeof key_); }
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

  // Gives `id`, which must be present, another value. Needs no memory.
  void replace(uint64_t id, T* value) {
    size_t i = slot(id);
    while (cells_[i].id != id || cells_[i].value == nullptr) i = (i + 1) & (capacity_ - 1);
    cells_[i].value = value;
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
    uint8_t bytes[sizeof id];
    wire::store_u64(bytes, id);
    return static_cast<size_t>(crypto::SipHash(key_)(bytes, sizeof bytes)) & (capacity_ - 1);
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
  uint8_t key_[crypto::SipHash::kKeyBytes];
  Cell* cells_ = nullptr;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

}  // namespace hawser::transport
