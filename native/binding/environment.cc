#include "binding/environment.h"

#include <new>

#include "binding/hybrid_driver.h"
#include "binding/shard_set.h"
#include "binding/thread_driver.h"
#include "binding/virtual_driver.h"

namespace hawser::binding {

using engine::MutexLock;
using transport::kNever;
using transport::Time;

Environment::~Environment() { shutdown(); }

// --- Start and end.

bool Environment::start(const StartOptions& options) {
  if (!set_callback(options.callback)) return false;
  if (engine_ == nullptr) {
    if (!create_tables()) return false;
    if (!create_engine() || !create_driver(options.driver)) {
      delete engine_;
      engine_ = nullptr;
      napi_throw_error(env_, nullptr, "cannot start the engine: no memory, descriptor or thread");
      return false;
    }
    events_.reset(env_, event_rows_, kEventRows);
  }
  sink_.reset(env_, options.slabs, options.slab_bytes, rows_);
  return true;
}

bool Environment::create_engine() {
  engine::Surroundings surroundings;
  if (network_ != nullptr) surroundings = {network_, network_};
  engine_ = new (std::nothrow) engine::Engine(now(), 0, surroundings);
  if (engine_ == nullptr || engine_->open() != 0) return false;
  engine_->runtime().set_tap(network_);
  return true;
}

bool Environment::create_driver(DriverChoice choice) {
  if (network_ != nullptr) {
    driver_ = create_virtual_driver(env_, wake_);
    return driver_ != nullptr;
  }
  if (choice == DriverChoice::kHybrid) {
    driver_ = create_hybrid_driver(*this);
    hybrid_ = driver_ != nullptr;
  }
  if (driver_ == nullptr) driver_ = create_thread_driver(*this);
  return driver_ != nullptr;
}

bool Environment::set_callback(napi_value callback) {
  napi_ref reference = nullptr;
  if (napi_create_reference(env_, callback, 1, &reference) != napi_ok) {
    napi_throw_type_error(env_, nullptr, "callback must be a function");
    return false;
  }
  if (callback_ != nullptr) napi_delete_reference(env_, callback_);
  callback_ = reference;
  return true;
}

bool Environment::create_tables() {
  if (tables_ != nullptr) return true;
  struct Column {
    const char* name;
    napi_typedarray_type type;
    size_t length;
    size_t element;
    void* data;
  };
  Column columns[] = {
      {"runs", napi_int32_array, kRunRows * kRunColumns, sizeof(int32_t), nullptr},
      {"entries", napi_int32_array, kEntries * 2, sizeof(int32_t), nullptr},
      {"events", napi_float64_array, kEventRows * kEventColumns, sizeof(double), nullptr},
  };
  napi_value object = nullptr;
  if (napi_create_object(env_, &object) != napi_ok) return false;
  for (Column& column : columns) {
    napi_value buffer = nullptr;
    napi_value array = nullptr;
    if (napi_create_arraybuffer(env_, column.length * column.element, &column.data, &buffer) !=
            napi_ok ||
        napi_create_typedarray(env_, column.type, column.length, buffer, 0, &array) != napi_ok ||
        napi_set_named_property(env_, object, column.name, array) != napi_ok) {
      return false;
    }
  }
  napi_value resource = nullptr;
  napi_value name = nullptr;
  if (napi_create_object(env_, &resource) != napi_ok ||
      napi_create_string_utf8(env_, "hawser", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_reference(env_, resource, 1, &resource_) != napi_ok ||
      napi_async_init(env_, resource, name, &async_context_) != napi_ok) {
    return false;
  }
  rows_ = {static_cast<int32_t*>(columns[0].data), kRunRows, static_cast<int32_t*>(columns[1].data),
           kEntries};
  event_rows_ = static_cast<double*>(columns[2].data);
  return napi_create_reference(env_, object, 1, &tables_) == napi_ok;
}

napi_value Environment::tables() const {
  napi_value object = nullptr;
  napi_get_reference_value(env_, tables_, &object);
  return object;
}

bool Environment::supply_slab(int32_t index, napi_value memory) {
  if (!sink_.supply(index, memory)) return false;
  if (engine_ != nullptr) after_change();
  return true;
}

void Environment::shutdown() {
  // Their threads call the driver.
  for (Shard* shard : shards_) shard->stop();
  if (driver_ != nullptr) driver_->stop();
  driver_ = nullptr;
  for (int32_t host = 1; host < objects.hosts.end(); host++) destroy_host(host);
  delete engine_;
  engine_ = nullptr;
}

void Environment::release_references() {
  for (napi_ref* reference : {&callback_, &tables_, &resource_, &wake_}) {
    if (*reference != nullptr) napi_delete_reference(env_, *reference);
    *reference = nullptr;
  }
  sink_.reset(env_, 0, 0, {});
  if (async_context_ != nullptr) napi_async_destroy(env_, async_context_);
  async_context_ = nullptr;
}

// --- Hosts.

void Environment::destroy_host(int32_t handle) {
  HostEntry* entry = objects.hosts.get(handle);
  if (entry == nullptr) return;
  set_keep_alive(handle, false);
  if (entry->shards != nullptr) {
    destroy_shards(entry);
  } else if (entry->host != nullptr) {
    MutexLock lock(engine_->mutex());
    release_objects(entry);
    engine_->destroy_host(entry->host);
  }
  objects.hosts.remove(handle);
  if (driver_ != nullptr) driver_->on_sockets_changed();
}

void Environment::release_objects(HostEntry* entry) {
  const Time now = this->now();
  while (entry->first_channel != kNoHandle) {
    transport::Channel* channel = objects.channel(entry->first_channel);
    objects.remove_channel(entry->first_channel);
    channel->release(now);
  }
  while (entry->first_session != kNoHandle) {
    transport::Session* session = objects.session(entry->first_session);
    objects.remove_session(entry->first_session);
    session->release();
  }
}

void Environment::set_keep_alive(int32_t host, bool keep) {
  HostEntry* entry = objects.hosts.get(host);
  if (entry == nullptr || entry->keeps_alive == keep) return;
  entry->keeps_alive = keep;
  const int32_t before = hosts_keeping_alive_;
  hosts_keeping_alive_ += keep ? 1 : -1;
  if (driver_ != nullptr && (before == 0 || hosts_keeping_alive_ == 0)) driver_->keep_alive(keep);
}

void Environment::set_spin(bool on) {
  if (driver_ != nullptr) driver_->set_spin(on);
}

// --- Batches.

size_t Environment::serve() {
  // JS may run the loop inside a batch call.
  if (serving_ || engine_ == nullptr) return 0;
  serving_ = true;
  received_ = 0;
  bool receive = driver_->receives();
  int rounds = 0;
  do {
    serve_round(receive);
    receive = false;
  } while (more_ && engine_ != nullptr && ++rounds < kMaxRounds);
  serving_ = false;
  const size_t received = received_;
  if (engine_ == nullptr) return received;
  driver_->on_deadline(next_timeout_);
  if (more_) driver_->yield();
  return received;
}

void Environment::serve_round(bool receive) {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) {
    more_ = false;
    return;
  }
  if (fill_batch(receive, 0)) {
    call_js();
    if (engine_ != nullptr) finish_round();
  }
  napi_close_handle_scope(env_, scope);
}

// The first half of a round. True: there is something to tell to JS, and finish_round() is due.
bool Environment::fill_batch(bool receive, size_t received) {
  sink_.begin();
  events_.begin();
  shards_first_ = !shards_first_;
  if (shards_first_) collect_shards();
  bool tell = fill_from_own(receive, received);
  if (!shards_first_) collect_shards();
  if (!shards_.empty()) {
    tell = has_something_to_tell();
    more_ = more_ || (!sink_.full() && shards_waiting());
  }
  return tell;
}

bool Environment::fill_from_own(bool receive, size_t received) {
  MutexLock lock(engine_->mutex());
  const Time now = this->now();
  engine_->runtime().set_sink(&sink_);
  if (receive) received = received_ = engine_->receive(now, kReceiveBytes);
  collector_.collect(*engine_, now);
  engine_->runtime().set_sink(nullptr);
  if (engine_->take_alarm()) outbox_.sweep(*engine_, now);
  const bool tell = has_something_to_tell();
  const bool little = sink_.runs() != 0 && sink_.bytes() <= kFewBytes;
  if (!tell || (received > kFewDatagrams && !little)) {
    engine_->run_timers(now);
    engine_->transmit(now);
  }
  next_timeout_ = engine_->next_timeout();
  // Without a slab there is no way on: supply_slab() goes on.
  more_ = !sink_.full() && (engine_->has_events() || collector_.waiting());
  return tell;
}

bool Environment::begin_round(size_t received) {
  if (serving_ || engine_ == nullptr) return false;
  if (!fill_batch(false, received)) return false;
  serving_ = true;
  call_js();
  return true;
}

void Environment::end_round() {
  if (!serving_) return;
  serving_ = false;
  if (engine_ != nullptr) finish_round();
}

void Environment::finish_round() {
  flush_shards();
  MutexLock lock(engine_->mutex());
  const Time now = this->now();
  outbox_.flush(*engine_, now);
  engine_->run_timers(now);
  engine_->transmit(now);
  next_timeout_ = engine_->next_timeout();
  const bool stuck = sink_.full() && sink_.out_of_slabs();
  more_ = !stuck && (engine_->has_events() || collector_.waiting() || shards_waiting());
}

void Environment::call_js() {
  napi_value callback = nullptr;
  napi_value receiver = nullptr;
  napi_value undefined = nullptr;
  napi_value arguments[5] = {};
  if (napi_get_reference_value(env_, callback_, &callback) != napi_ok ||
      napi_get_reference_value(env_, resource_, &receiver) != napi_ok ||
      napi_get_undefined(env_, &undefined) != napi_ok ||
      napi_create_uint32(env_, static_cast<uint32_t>(sink_.runs()), &arguments[0]) != napi_ok ||
      napi_create_uint32(env_, static_cast<uint32_t>(events_.count()), &arguments[1]) != napi_ok ||
      napi_create_int32(env_, sink_.spent(), &arguments[4]) != napi_ok) {
    return;
  }
  arguments[2] = events_.details() != nullptr ? events_.details() : undefined;
  arguments[3] = sink_.large() != nullptr ? sink_.large() : undefined;

  napi_callback_scope scope = nullptr;
  if (driver_->needs_scope() &&
      napi_open_callback_scope(env_, receiver, async_context_, &scope) != napi_ok) {
    return;
  }
  napi_value result = nullptr;
  if (napi_call_function(env_, undefined, callback, 5, arguments, &result) != napi_ok) {
    // A bug of ours in lib/: handlers of the application are guarded there. It must not end the
    // loop's round halfway.
    napi_value error = nullptr;
    bool pending = false;
    if (napi_is_exception_pending(env_, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env_, &error) == napi_ok) {
      napi_fatal_exception(env_, error);
    }
  }
  // Promises and ticks run here, and what they send leaves with this round too.
  if (scope != nullptr) napi_close_callback_scope(env_, scope);
}

// --- Sending.

int32_t Environment::send(int64_t channel, const uint8_t* data, size_t length) {
  bool flush_now = false;
  if (!shards_.empty()) {
    transport::Channel* known = objects.channel(channel);
    Shard* shard = known == nullptr ? nullptr : shard_of(*known);
    if (shard != nullptr) return send(*shard, channel, data, length);
  }
  const int32_t status = outbox_.send(*engine_, channel, data, length, flush_now);
  if (status < 0) return status;
  if (flush_now) {
    flush();
  } else if (!serving_ && outbox_.ask_for_flush()) {
    return status | kSendFlushWanted;
  }
  return status;
}

int32_t Environment::send(Shard& shard, int64_t channel, const uint8_t* data, size_t length) {
  bool flush_now = false;
  const int32_t status = shard.outbox().send(shard.engine(), channel, data, length, flush_now);
  if (status < 0) return status;
  if (flush_now) {
    shard.flush();
  } else if (!serving_ && shard.outbox().ask_for_flush()) {
    return status | kSendFlushWanted;
  }
  return status;
}

void Environment::flush() {
  flush_shards();
  if (outbox_.empty() || engine_ == nullptr) return;
  bool events = false;
  {
    MutexLock lock(engine_->mutex());
    const Time now = this->now();
    outbox_.flush(*engine_, now);
    engine_->transmit(now);
    next_timeout_ = engine_->next_timeout();
    events = engine_->has_events();
  }
  driver_->on_deadline(next_timeout_);
  if (events) after_change();
}

void Environment::after_urgent_change(Shard* shard) {
  if (shard != nullptr) {
    shard->transmit();
    return;
  }
  bool events = false;
  {
    MutexLock lock(engine_->mutex());
    engine_->transmit(now());
    next_timeout_ = engine_->next_timeout();
    events = engine_->has_events();
  }
  driver_->on_deadline(next_timeout_);
  if (events) after_change();
}

}  // namespace hawser::binding
