#pragma once

namespace hawser::engine {

// How a thread of the engine tells the thread of the application that there is something for it.
class Waker {
 public:
  // Any thread. Calls until the application has looked are one wake-up.
  virtual void wake() = 0;

 protected:
  ~Waker() = default;
};

}  // namespace hawser::engine
