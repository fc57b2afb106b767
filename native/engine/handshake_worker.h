// Computes handshakes on a thread of its own: they take a tenth of a millisecond and more, in which
// neither the application's thread nor packets should wait.
#pragma once

#include "engine/engine.h"
#include "engine/os_thread.h"
#include "engine/waker.h"

namespace hawser::engine {

class HandshakeWorker final : public Engine::Computer {
 public:
  HandshakeWorker(Engine& engine, Waker& waker) : engine_(engine), waker_(waker) {}
  ~HandshakeWorker() { stop(); }
  HandshakeWorker(const HandshakeWorker&) = delete;
  HandshakeWorker& operator=(const HandshakeWorker&) = delete;

  // Returns 0 or an errno; without a worker the engine computes where it is called.
  int start();
  // Waits for the thread's end.
  void stop();

  // Under the engine's lock.
  void look() override { work_.signal(); }

 private:
  static void run(void* self) { static_cast<HandshakeWorker*>(self)->loop(); }
  void loop();

  Engine& engine_;
  Waker& waker_;
  Thread thread_;
  Condition work_;
  bool stopping_ = false;
};

}  // namespace hawser::engine
