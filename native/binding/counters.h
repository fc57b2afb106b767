// Counters as the arrays that JS reads; the order is that of lib/native_types.ts.
#pragma once

#include <node_api.h>

#include "binding/objects.h"
#include "engine/engine.h"

namespace hawser::binding {

// Under the lock: copies. Then, without it, to_js().
class CounterRow {
 public:
  void add(uint64_t value) { values_[length_++] = static_cast<double>(value); }
  // Sums of both; an empty row stands for zeros.
  void add_to_each(const CounterRow& other) {
    for (size_t i = 0; i < other.length_; i++) values_[i] += other.values_[i];
    length_ = other.length_;
  }
  // A Float64Array.
  napi_value to_js(napi_env env) const;

 private:
  double values_[48] = {};
  size_t length_ = 0;
};

CounterRow host_counters(engine::Host& host);
CounterRow session_counters(const transport::Session& session);
CounterRow channel_counters(const transport::Channel& channel);

}  // namespace hawser::binding
