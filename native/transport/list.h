#pragma once

#include <cstddef>

namespace hawser::transport {

// An intrusive first-in first-out list. T holds a ListHook per list it can be on; the hook's owner
// must unlink before it goes away.
template <typename T>
struct ListHook {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

template <typename T, ListHook<T> T::*Hook>
class List {
 public:
  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  T* front() const { return first_; }
  static T* next(const T* item) { return (item->*Hook).next; }
  static bool linked(const T* item) { return (item->*Hook).linked; }

  // Does nothing when `item` is on the list already.
  void push_back(T* item) {
    ListHook<T>& hook = item->*Hook;
    if (hook.linked) return;
    hook.linked = true;
    hook.previous = last_;
    hook.next = nullptr;
    if (last_ != nullptr) {
      (last_->*Hook).next = item;
    } else {
      first_ = item;
    }
    last_ = item;
    size_++;
  }

  // Does nothing when `item` is not on the list.
  void remove(T* item) {
    ListHook<T>& hook = item->*Hook;
    if (!hook.linked) return;
    if (hook.previous != nullptr) {
      (hook.previous->*Hook).next = hook.next;
    } else {
      first_ = hook.next;
    }
    if (hook.next != nullptr) {
      (hook.next->*Hook).previous = hook.previous;
    } else {
      last_ = hook.previous;
    }
    hook = ListHook<T>{};
    size_--;
  }

  T* pop_front() {
    T* item = first_;
    if (item != nullptr) remove(item);
    return item;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hawser::transport
