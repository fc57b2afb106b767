// Threads, a mutex and a condition over pthread. The only file of the engine that names pthread
// functions: std::thread and std::condition_variable bind to symbol versions above the floor that
// the package promises (glibc 2.28, GLIBCXX 3.4.25).
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace hawser::engine {

class Mutex {
 public:
  Mutex() { pthread_mutex_init(&mutex_, nullptr); }
  ~Mutex() { pthread_mutex_destroy(&mutex_); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    pthread_mutex_lock(&mutex_);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  }
  void unlock() { pthread_mutex_unlock(&mutex_); }

  // Called without the lock, by a thread that takes it again and again: lets those who wait go
  // first, which pthread mutexes do not do by themselves. Gives up after some hundred yields.
  void give_way() const;

 private:
  friend class Condition;

  pthread_mutex_t mutex_;
  std::atomic<int> waiting_{0};
};

class Condition {
 public:
  Condition() { pthread_cond_init(&condition_, nullptr); }
  ~Condition() { pthread_cond_destroy(&condition_); }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // `mutex` is held, and is so again afterwards. May return for nothing.
  void wait(Mutex& mutex) { pthread_cond_wait(&condition_, &mutex.mutex_); }
  void signal() { pthread_cond_signal(&condition_); }

 private:
  pthread_cond_t condition_;
};

class MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// One thread, joined before it is destroyed. Takes no signals: those belong to the thread that
// started it.
class Thread {
 public:
  Thread() = default;
  ~Thread() { join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // `name` is for debuggers, up to 15 characters. Returns 0 or an errno.
  int start(const char* name, void (*body)(void*), void* argument);
  // Waits for the end of body(). Does nothing when the thread is not running.
  void join();
  bool running() const { return running_; }

 private:
  static void* run(void* self);

  pthread_t thread_{};
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool running_ = false;
};

}  // namespace hawser::engine
