#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace hawser::transport {

// Where the core gets its memory. Handed in, so that the simulator can count it, bound it and make
// it fail. Everything above treats a nullptr as an ordinary answer: what needed the memory is
// refused or dropped, and nothing that was kept is lost.
class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // `bytes` > 0. Aligned for any object. nullptr when there is none.
  virtual void* allocate(size_t bytes) = 0;
  // `pointer` came from allocate(bytes); nullptr is ignored.
  virtual void release(void* pointer, size_t bytes) = 0;

  template <typename T, typename... Args>
  T* create(Args&&... args) {
    void* place = allocate(sizeof(T));
    if (place == nullptr) return nullptr;
    return new (place) T(std::forward<Args>(args)...);
  }

  template <typename T>
  void destroy(T* object) {
    if (object == nullptr) return;
    object->~T();
    release(object, sizeof(T));
  }

 protected:
  ~Memory() = default;
};

// Keeps memory that it does not need now.
class Reserve {
 public:
  // Gives all of it back.
  virtual void trim() = 0;

 protected:
  ~Reserve() = default;
};

// A part of another memory, with a limit of its own. Counts also what is not taken from it: what
// libcrypto allocates for itself.
class QuotaMemory final : public Memory {
 public:
  // limit: bytes in use at most; 0 means no limit but the other's. `shared`: what several of them
  // have in use, whose limit it is then; nullptr: it is of this one alone.
  QuotaMemory(Memory& whole, size_t limit, std::atomic<size_t>* shared = nullptr)
      : whole_(whole), limit_(limit), shared_(shared) {}

  void* allocate(size_t bytes) override;
  void release(void* pointer, size_t bytes) override;

  // Counts bytes that are taken elsewhere. False: beyond the limit, nothing changed.
  [[nodiscard]] bool charge(size_t bytes);
  // What was charged is given back.
  void refund(size_t bytes) {
    in_use_ -= bytes;
    if (shared_ != nullptr) shared_->fetch_sub(bytes, std::memory_order_relaxed);
  }

  size_t in_use() const { return in_use_; }
  // Bytes until the limit; SIZE_MAX / 2 without one.
  size_t left() const;
  // Requests that were refused, by the limit or by the other memory.
  uint64_t refused() const { return refused_; }

  // Asked before something is refused. It takes its memory from here.
  void set_reserve(Reserve* reserve) { reserve_ = reserve; }
  // From now on refuses also what would leave less than `bytes` of `of`, which this one takes its
  // memory from.
  void leave(QuotaMemory* of, size_t bytes) {
    left_of_ = of;
    left_bytes_ = bytes;
  }

 private:
  // Counts them, if need be with what the reserve gives back. False: beyond the limit, nothing
  // changed.
  [[nodiscard]] bool take(size_t bytes);
  [[nodiscard]] bool count(size_t bytes);
  bool has_left(size_t bytes);

  Memory& whole_;
  Reserve* reserve_ = nullptr;
  QuotaMemory* left_of_ = nullptr;
  size_t left_bytes_ = 0;
  const size_t limit_;
  std::atomic<size_t>* const shared_;
  size_t in_use_ = 0;
  uint64_t refused_ = 0;
};

// malloc with a limit on what is in use at once. Not thread-safe: one per engine, used under its
// lock.
class HeapMemory final : public Memory {
 public:
  // limit: bytes in use at most; 0 means no limit.
  explicit HeapMemory(size_t limit = 0) : limit_(limit) {}

  void* allocate(size_t bytes) override;
  void release(void* pointer, size_t bytes) override;

  size_t in_use() const { return in_use_; }
  size_t limit() const { return limit_; }
  // Requests that were refused, by the limit or by the system.
  uint64_t refused() const { return refused_; }

 private:
  size_t limit_;
  size_t in_use_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace hawser::transport
