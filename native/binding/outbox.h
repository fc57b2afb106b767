// The way of a message out of JS: copied into its channel's ring at once, and told to the engine a
// batch at a time. JS thread only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "binding/handle_table.h"
#include "binding/objects.h"
#include "engine/engine.h"

namespace hawser::binding {

// Answers of send(): bits, or a negative number (native_types.ts).
enum SendStatus : int32_t { kSendFull = 1, kSendFlushWanted = 2 };
enum SendError : int32_t {
  kSendBufferFull = -1,
  kSendTooLarge = -2,
  kSendClosed = -3,
  kSendNoMemory = -4,
};

class Outbox {
 public:
  explicit Outbox(Objects& objects) : objects_(objects) {}

  // Without the lock. Sets `flush_now` when so much waits that it should leave at once.
  int32_t send(engine::Engine& engine, int64_t channel, const uint8_t* data, size_t length,
               bool& flush_now);
  // Someone was asked to flush later; say so only once.
  bool ask_for_flush() {
    if (flush_asked_) return false;
    flush_asked_ = true;
    return true;
  }
  bool empty() const { return dirty_.empty(); }

  // Under the lock: what was sent may leave.
  void flush(engine::Engine& engine, transport::Time now);
  // Under the lock, when the engine's alarm was due: channels that sent nothing for a while and
  // have nothing unacknowledged give their ring back.
  void sweep(engine::Engine& engine, transport::Time now);

 private:
  // Bytes that wait for a flush until it happens without being asked for.
  static constexpr size_t kFlushBytes = 48u << 10;
  // The same, for a channel above its high water mark.
  static constexpr size_t kFlushFullBytes = 4u << 10;
  // What a message costs in the ring beside its bytes, roughly.
  static constexpr size_t kMessageCost = 2;
  static constexpr transport::Duration kSweepAfter = transport::kSecond;

  void note(ChannelEntry& entry, int32_t handle, bool& flush_now);

  Objects& objects_;
  // Channels with something unflushed, and channels that hold a ring. May name handles that were
  // released since: their entry says otherwise then.
  NumberList dirty_;
  NumberList warm_;
  size_t unflushed_ = 0;
  bool flush_asked_ = false;
  bool sweep_armed_ = false;
};

}  // namespace hawser::binding
