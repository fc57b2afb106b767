// One engine of a peer that has several (engine.threads): it runs on threads of its own, and the
// JS thread only looks in when there is something for it. Beside it, what the JS thread keeps for
// it: which events wait, and which channels have something unflushed.
#pragma once

#include <atomic>
#include <cstdint>

#include "binding/collector.h"
#include "binding/outbox.h"
#include "engine/engine.h"
#include "engine/handshake_worker.h"
#include "engine/io_thread.h"
#include "engine/waker.h"

namespace hawser::binding {

class ShardSet;

// JS thread, but for wake().
class Shard final : public engine::Waker {
 public:
  // `js`: serves the environment soon; outlives the threads.
  Shard(ShardSet& set, uint32_t index, transport::Time now, Objects& objects, SlabSink& sink,
        EventTable& events, engine::Waker& js);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Before anything else. Returns 0 or an errno.
  int open() { return engine_.open(); }
  // Makes the host. nullptr: `error` says why.
  engine::Host* create_host(const engine::HostOptions& options, engine::HostError* error);
  // Starts the threads. Returns 0 or an errno.
  int start();
  // Waits for the end of both.
  void stop();

  ShardSet& set() { return set_; }
  uint32_t index() const { return index_; }
  engine::Engine& engine() { return engine_; }
  engine::Host* host() { return host_; }
  Outbox& outbox() { return outbox_; }
  // For the other engines: something was handed over.
  engine::Waker& inbox_waker() { return inbox_waker_; }

  // Any thread: there are events.
  void wake() override {
    if (!pending_.exchange(true)) js_.wake();
  }
  // There may be something to collect.
  bool wants_look() const { return again_ || pending_.load(std::memory_order_relaxed); }
  // Not all of it fitted.
  bool waiting() const { return again_; }
  // Takes what fits into the batch; the sink and the table of events have begun one.
  void collect(SlabSink& sink);
  // What was sent to its channels may leave.
  void flush();
  // Packets leave before this returns.
  void transmit();
  // After a call of JS: its thread has to look at timers, packets and events.
  void changed() { io_.note_deadline(0); }

 private:
  class InboxWaker final : public engine::Waker {
   public:
    explicit InboxWaker(engine::IoThread& io) : io_(io) {}
    void wake() override { io_.note_sockets(); }

   private:
    engine::IoThread& io_;
  };
  class WorkerWaker final : public engine::Waker {
   public:
    explicit WorkerWaker(engine::IoThread& io) : io_(io) {}
    // It sees the events as well.
    void wake() override { io_.note_deadline(0); }

   private:
    engine::IoThread& io_;
  };

  ShardSet& set_;
  const uint32_t index_;
  engine::Waker& js_;
  engine::Engine engine_;
  engine::Host* host_ = nullptr;
  Collector collector_;
  Outbox outbox_;
  std::atomic<bool> pending_{false};
  bool again_ = false;
  engine::IoThread io_;
  InboxWaker inbox_waker_{io_};
  WorkerWaker worker_waker_{io_};
  engine::HandshakeWorker worker_;
};

}  // namespace hawser::binding
