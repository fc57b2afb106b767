#include "engine/os_thread.h"

#include <sched.h>
#include <signal.h>

namespace hawser::engine {

void Mutex::give_way() const {
  for (int i = 0; i < 256 && waiting_.load(std::memory_order_relaxed) > 0; i++) sched_yield();
}

int Thread::start(const char* name, void (*body)(void*), void* argument) {
  join();
  body_ = body;
  argument_ = argument;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&thread_, nullptr, &Thread::run, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return error;
  running_ = true;
#if defined(__linux__)
  pthread_setname_np(thread_, name);
#else
  static_cast<void>(name);
#endif
  return 0;
}

void Thread::join() {
  if (!running_) return;
  pthread_join(thread_, nullptr);
  running_ = false;
}

void* Thread::run(void* self) {
  auto* thread = static_cast<Thread*>(self);
  thread->body_(thread->argument_);
  return nullptr;
}

}  // namespace hawser::engine
