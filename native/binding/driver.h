#pragma once

#include "engine/spin_budget.h"
#include "engine/waker.h"
#include "transport/time.h"

namespace hawser::binding {

// Who calls the engine's steps, and how JS is called from there. JS thread only.
class Driver {
 public:
  // Engine::next_timeout() as the JS thread leaves it.
  virtual void on_deadline(transport::Time next) = 0;
  // Work waits that nothing else announces: serve() before the loop sleeps.
  virtual void schedule() = 0;
  // serve() again, but let the loop do other work first.
  virtual void yield() = 0;
  // A host was made or its sockets were closed.
  virtual void on_sockets_changed() = 0;
  virtual void keep_alive(bool keep) = 0;
  // Whether it may look for datagrams for a moment before it sleeps, as far as that pays.
  virtual void set_spin(bool on) = 0;
  // How that went; nullptr: it cannot.
  virtual const engine::SpinBudget* spinning() const = 0;
  // Has serve() called soon, from any thread, until stop(); nullptr: there are no other threads.
  virtual engine::Waker* waker() = 0;
  // Whether serve() is called from outside any callback of Node's, so that a scope must be opened
  // for promises and ticks to run.
  virtual bool needs_scope() const = 0;
  // Whether serve() also receives; if not, a thread of the engine does.
  virtual bool receives() const = 0;
  // Ends its threads at once; no call of serve() follows. Frees itself when the loop is done
  // with it.
  virtual void stop() = 0;

 protected:
  ~Driver() = default;
};

}  // namespace hawser::binding
