#include "binding/shard.h"

#include "net/clock.h"

namespace hawser::binding {

using engine::MutexLock;
using transport::Time;

Shard::Shard(ShardSet& set, uint32_t index, Time now, Objects& objects, SlabSink& sink,
             EventTable& events, engine::Waker& js)
    : set_(set),
      index_(index),
      js_(js),
      engine_(now, 0),
      collector_(objects, sink, events),
      outbox_(objects),
      io_(engine_, *this),
      worker_(engine_, worker_waker_) {}

engine::Host* Shard::create_host(const engine::HostOptions& options, engine::HostError* error) {
  MutexLock lock(engine_.mutex());
  host_ = engine_.create_host(options, error);
  if (host_ != nullptr) host_->context = this;
  return host_;
}

int Shard::start() {
  const int error = io_.start();
  return error != 0 ? error : worker_.start();
}

void Shard::stop() {
  worker_.stop();
  io_.stop();
}

void Shard::collect(SlabSink& sink) {
  // Before it looks: what happens from here on is told anew.
  pending_.exchange(false);
  Time next = 0;
  {
    MutexLock lock(engine_.mutex());
    const Time now = net::monotonic_now_ns();
    engine_.runtime().set_sink(&sink);
    collector_.collect(engine_, now);
    engine_.runtime().set_sink(nullptr);
    if (engine_.take_alarm()) outbox_.sweep(engine_, now);
    again_ = engine_.has_events() || collector_.waiting();
    next = engine_.next_timeout();
  }
  io_.note_deadline(next);
}

void Shard::flush() {
  Time next = 0;
  bool events = false;
  {
    MutexLock lock(engine_.mutex());
    outbox_.flush(engine_, net::monotonic_now_ns());
    next = engine_.next_timeout();
    events = engine_.has_events();
  }
  io_.note_deadline(next);
  if (events) wake();
}

void Shard::transmit() {
  {
    MutexLock lock(engine_.mutex());
    engine_.transmit(net::monotonic_now_ns());
  }
  changed();
}

}  // namespace hawser::binding
