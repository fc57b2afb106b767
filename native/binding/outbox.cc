#include "binding/outbox.h"

namespace hawser::binding {

using transport::Channel;

int32_t Outbox::send(engine::Engine& engine, int64_t handle, const uint8_t* data, size_t length,
                     bool& flush_now) {
  flush_now = false;
  ChannelEntry* entry = objects_.channels.get(handle);
  if (entry == nullptr) return kSendClosed;
  Channel& channel = *entry->channel;
  Channel::Push pushed = channel.push(data, length);
  if (pushed == Channel::Push::kNoRoom) {
    engine::MutexLock lock(engine.mutex());
    pushed = channel.push_locked(data, length);
  }
  switch (pushed) {
    case Channel::Push::kTaken:
    case Channel::Push::kFull:
      break;
    case Channel::Push::kTooLarge:
      return kSendTooLarge;
    case Channel::Push::kClosed:
      return kSendClosed;
    case Channel::Push::kRefused:
    case Channel::Push::kNoRoom:
      return channel.buffered() >= entry->max_buffered ? kSendBufferFull : kSendNoMemory;
  }
  unflushed_ += length + kMessageCost;
  entry->pushed = true;
  if (!entry->dirty) note(*entry, static_cast<int32_t>(handle), flush_now);
  const bool full = pushed == Channel::Push::kFull;
  if (unflushed_ >= (full ? kFlushFullBytes : kFlushBytes)) flush_now = true;
  return full ? kSendFull : 0;
}

void Outbox::note(ChannelEntry& entry, int32_t handle, bool& flush_now) {
  if (!dirty_.push(handle)) {
    // No memory to remember it by: its bytes leave with its next flush, at the latest with end().
    flush_now = true;
    return;
  }
  entry.dirty = true;
  if (!entry.warm) entry.warm = warm_.push(handle);
}

void Outbox::flush(engine::Engine& engine, transport::Time now) {
  flush_asked_ = false;
  unflushed_ = 0;
  for (size_t i = 0; i < dirty_.size(); i++) {
    ChannelEntry* entry = objects_.channels.get(dirty_[i]);
    if (entry == nullptr || !entry->dirty) continue;
    entry->dirty = false;
    entry->channel->flush(now);
  }
  dirty_.clear();
  if (!sweep_armed_ && !warm_.empty()) {
    sweep_armed_ = true;
    engine.set_alarm(now + kSweepAfter);
  }
}

void Outbox::sweep(engine::Engine& engine, transport::Time now) {
  size_t kept = 0;
  for (size_t i = 0; i < warm_.size(); i++) {
    const int32_t handle = warm_[i];
    ChannelEntry* entry = objects_.channels.get(handle);
    if (entry == nullptr || !entry->warm) continue;
    const bool idle = !entry->pushed && !entry->dirty && entry->channel->unacknowledged() == 0;
    entry->pushed = false;
    if (idle) {
      entry->channel->trim();
      entry->warm = false;
    } else {
      warm_[kept++] = handle;
    }
  }
  warm_.truncate(kept);
  sweep_armed_ = kept != 0;
  if (sweep_armed_) engine.set_alarm(now + kSweepAfter);
}

}  // namespace hawser::binding
