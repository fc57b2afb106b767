// What one JS environment (the main thread, a worker) has of Hawser: its engine and driver, the
// handles it holds, and the way of batches to JS. Kept as instance data, so that several
// environments live side by side in one process. JS thread only.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "binding/collector.h"
#include "binding/driver.h"
#include "binding/event_table.h"
#include "binding/objects.h"
#include "binding/outbox.h"
#include "binding/shard.h"
#include "binding/slab_sink.h"
#include "engine/engine.h"
#include "engine/virtual_network.h"
#include "net/clock.h"

namespace hawser::binding {

enum class DriverChoice : uint8_t { kHybrid, kThread };

struct StartOptions {
  DriverChoice driver = DriverChoice::kHybrid;
  int32_t slabs = 4;
  size_t slab_bytes = 256u << 10;
  napi_value callback = nullptr;
};

class Environment {
 public:
  // network: where its peers live and whose clock they follow; nullptr: the system's.
  explicit Environment(napi_env env, engine::VirtualNetwork* network = nullptr)
      : env_(env), network_(network), collector_(objects, sink_, events_) {}
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  napi_env env() const { return env_; }
  // The time for every call of the engine.
  transport::Time now() const {
    return network_ == nullptr ? net::monotonic_now_ns() : network_->now();
  }
  // nullptr before start() and after shutdown().
  engine::Engine* engine() { return engine_; }

  // Starts the engine; when it runs already, only the callback and the slabs are new. False: an
  // exception is pending.
  bool start(const StartOptions& options);
  bool hybrid() const { return hybrid_; }
  // The object {runs, entries, events} of typed arrays.
  napi_value tables() const;
  bool supply_slab(int32_t index, napi_value memory);
  // Ends threads, sockets and all: nothing of the environment is called from outside any more.
  void shutdown();

  // One service of the engine: messages and events go to JS, what it answers leaves. Called by the
  // driver. Returns the datagrams that it received.
  size_t serve();
  // --- On a virtual network, instead of serve(): JS is called from within, and lets promises and
  // ticks run before it calls end_round().
  // The function that is to be called when there is something to do; before start().
  bool set_wake(napi_value wake) { return napi_create_reference(env_, wake, 1, &wake_) == napi_ok; }
  // `received` datagrams came since the last round. True: JS was told something; end_round() must
  // follow.
  bool begin_round(size_t received);
  void end_round();
  // Another round is wanted at this time.
  bool more() const { return more_ && engine_ != nullptr; }
  transport::Time next_timeout() const {
    return engine_ == nullptr ? transport::kNever : next_timeout_;
  }
  // After shutdown(): lets go of what it holds of JS.
  void release_references();
  void* owner = nullptr;

  // Everything that was sent may leave.
  void flush();
  int32_t send(int64_t channel, const uint8_t* data, size_t length);

  // The engine that an object is in: nullptr stands for the environment's own. Without a lock.
  static Shard* shard_of(const transport::Session& session);
  static Shard* shard_of(const transport::Channel& channel) { return shard_of(channel.session()); }
  engine::Mutex& mutex_of(Shard* shard) {
    return shard == nullptr ? engine_->mutex() : shard->engine().mutex();
  }

  // To be called, without the lock, after something was done to a session or channel of that engine
  // that may have made packets or events.
  void after_change(Shard* shard = nullptr) {
    if (shard != nullptr) {
      shard->changed();
    } else if (!serving_) {
      driver_->schedule();
    }
  }
  // The same, but packets leave now.
  void after_urgent_change(Shard* shard = nullptr);
  void after_sockets_changed() { driver_->on_sockets_changed(); }

  // A host in each of `engines` engines of their own, on the same addresses. `steered`: the kernel
  // is asked to give each datagram to the right one. Its handle, or kNoHandle: `error` says why.
  int32_t create_shards(const engine::HostOptions& options, uint32_t engines, bool steered,
                        engine::HostError* error);
  // Before a session's handle is released.
  void forget_dial(const SessionEntry& entry);
  // Takes the host away with everything in it; releases its handle and theirs.
  void destroy_host(int32_t host);
  // Under the lock, after a handle was released: takes its host away when that was closed and this
  // the last thing of it. The host's own handle stays until destroy_host().
  void free_if_done(int32_t host) { collector_.free_if_done(*engine_, host); }
  void set_keep_alive(int32_t host, bool keep);
  // Whether the driver may look for datagrams for a moment before it sleeps.
  void set_spin(bool on);
  // nullptr: it never does.
  const engine::SpinBudget* spinning() const {
    return driver_ == nullptr ? nullptr : driver_->spinning();
  }

  Objects objects;

 private:
  // Batch calls in a row until the loop gets its turn.
  static constexpr int kMaxRounds = 16;
  static constexpr size_t kReceiveBytes = 256u << 10;
  // With more datagrams than this, acknowledgements go before JS is called, unless messages came
  // that are no more than this; with fewer, its answers take them along.
  static constexpr size_t kFewDatagrams = 4;
  static constexpr size_t kFewBytes = 16u << 10;
  static constexpr size_t kRunRows = 2048;
  static constexpr size_t kRunColumns = 4;
  // A datagram of empty messages has this many, and a run is taken whole.
  static constexpr size_t kEntries = 65'536;
  static constexpr size_t kEventRows = 1024;
  static constexpr size_t kEventColumns = 4;

  bool create_engine();
  bool create_tables();
  bool create_driver(DriverChoice choice);
  bool set_callback(napi_value callback);
  void release_objects(HostEntry* entry);
  void destroy_shards(HostEntry* entry);
  void collect_shards();
  bool shards_waiting() const;
  void flush_shards();
  void serve_round(bool receive);
  // `received` datagrams came before; more are counted if it is to receive.
  bool fill_batch(bool receive, size_t received);
  bool fill_from_own(bool receive, size_t received);
  bool has_something_to_tell() const {
    return sink_.runs() > 0 || events_.count() > 0 || (sink_.full() && sink_.spent() > 0);
  }
  int32_t send(Shard& shard, int64_t channel, const uint8_t* data, size_t length);
  void call_js();
  void finish_round();

  napi_env env_;
  engine::VirtualNetwork* network_;
  napi_ref wake_ = nullptr;
  engine::Engine* engine_ = nullptr;
  Driver* driver_ = nullptr;
  bool hybrid_ = false;
  bool serving_ = false;
  int32_t hosts_keeping_alive_ = 0;
  // As of the last step.
  transport::Time next_timeout_ = transport::kNever;
  bool more_ = false;
  // By the last round that received.
  size_t received_ = 0;

  SlabSink sink_;
  EventTable events_;
  Collector collector_;
  Outbox outbox_{objects};

  // Of all peers that have several engines.
  std::vector<Shard*> shards_;
  // Which one is asked first, and whether all of them are before the environment's own.
  size_t first_shard_ = 0;
  bool shards_first_ = false;

  napi_ref callback_ = nullptr;
  napi_ref tables_ = nullptr;
  napi_ref resource_ = nullptr;
  napi_async_context async_context_ = nullptr;
  SlabSink::Tables rows_{};
  double* event_rows_ = nullptr;
};

}  // namespace hawser::binding
