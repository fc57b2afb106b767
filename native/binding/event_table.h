// The events of one batch: rows of [type, handle, a, b] in memory shared with JS, and an object
// with the details of those that have some (native_types.ts). JS thread only.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "transport/channel.h"
#include "transport/types.h"

namespace hawser::binding {

enum class EventType : uint8_t {
  kSessionOpen = 1,
  kSessionClosed = 2,
  kChannelIncoming = 3,
  kChannelAccepted = 4,
  kWritable = 5,
  kAcknowledged = 6,
  kEnded = 7,
  kChannelClosed = 8,
  kHostFailed = 9,
  kSessionIncoming = 10,
};

class EventTable {
 public:
  void reset(napi_env env, double* rows, size_t capacity) {
    env_ = env;
    rows_ = rows;
    capacity_ = capacity;
    count_ = 0;
  }
  // A handle scope must be open from here to the end of the batch call.
  void begin() {
    count_ = 0;
    details_ = nullptr;
  }

  size_t count() const { return count_; }
  size_t room() const { return capacity_ - count_; }
  // nullptr when no event has any.
  napi_value details() const { return details_; }

  // Each needs room().
  void add(EventType type, int32_t handle, double a = 0, double b = 0);
  void add_closed(EventType type, int32_t handle, const transport::CloseReason& reason);
  void add_incoming(int32_t handle, int32_t host, int32_t session,
                    const transport::Channel& channel);

 private:
  void set_detail(napi_value value);

  napi_env env_ = nullptr;
  double* rows_ = nullptr;
  size_t capacity_ = 0;
  size_t count_ = 0;
  napi_value details_ = nullptr;
};

}  // namespace hawser::binding
