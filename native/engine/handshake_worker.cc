#include "engine/handshake_worker.h"

#include "net/clock.h"

namespace hawser::engine {

int HandshakeWorker::start() {
  MutexLock lock(engine_.mutex());
  stopping_ = false;
  const int error = thread_.start("hawser-crypto", &HandshakeWorker::run, this);
  if (error == 0) engine_.set_computer(this);
  return error;
}

void HandshakeWorker::stop() {
  if (!thread_.running()) return;
  {
    MutexLock lock(engine_.mutex());
    engine_.set_computer(nullptr);
    stopping_ = true;
    work_.signal();
  }
  thread_.join();
}

void HandshakeWorker::loop() {
  MutexLock lock(engine_.mutex());
  while (!stopping_) {
    transport::Handshake* next = engine_.runtime().next_handshake();
    if (next == nullptr) {
      work_.wait(engine_.mutex());
      continue;
    }
    engine_.mutex().unlock();
    next->compute();
    engine_.mutex().lock();
    const transport::Time now = net::monotonic_now_ns();
    engine_.runtime().finish(now, next);
    engine_.transmit(now);
    // Of what happened the application has to hear, and of the timers that were set.
    waker_.wake();
  }
}

}  // namespace hawser::engine
