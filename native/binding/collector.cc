#include "binding/collector.h"

namespace hawser::binding {

using transport::Channel;
using transport::Session;
using transport::Time;

int32_t Collector::host_of(const Session& session) {
  const auto* host =
      reinterpret_cast<const engine::Host*>(static_cast<uintptr_t>(session.endpoint().user));
  return Objects::handle_of(host->user);
}

void Collector::collect(engine::Engine& engine, Time now) {
  size_t delivered = 0;
  while (delivered < late_.size() && !sink_.full()) {
    Channel* channel = objects_.channel(late_[delivered++]);
    // What does not fit, the core offers again.
    if (channel != nullptr) channel->deliver(now);
  }
  late_.drop_front(delivered);

  transport::Runtime& runtime = engine.runtime();
  while (events_.room() > 0) {
    engine::Host* host = engine.next_report();
    if (host == nullptr) break;
    take_host(engine, host);
  }
  while (events_.room() > 0) {
    Session* session = runtime.next_session();
    if (session == nullptr) break;
    take_session(session, now);
  }
  // Here every session is announced, or there is no room for its channels either.
  for (;;) {
    if (events_.room() < kChannelRows || sink_.full()) return;
    Channel* channel = runtime.next_channel();
    if (channel == nullptr) break;
    take_channel(channel, now);
  }
  size_t told = 0;
  while (told < closed_.size() && events_.room() > 0) {
    const int32_t handle = closed_[told++];
    Session* session = objects_.session(handle);
    // The handle may be another session's by now.
    if (session != nullptr && session->state() == Session::State::kGone) {
      events_.add_closed(EventType::kSessionClosed, handle, session->reason());
    }
  }
  closed_.drop_front(told);
}

void Collector::take_host(engine::Engine& engine, engine::Host* host) {
  const uint32_t what = host->take_events();
  const int32_t handle = Objects::handle_of(host->user);
  if ((what & engine::kHostFailed) != 0) {
    events_.add(EventType::kHostFailed, handle, host->failure());
  }
  if ((what & engine::kHostClosed) != 0) {
    HostEntry* entry = objects_.hosts.get(handle);
    // One of several engines' goes with the others.
    if (entry == nullptr || entry->shards != nullptr) return;
    entry->closed = true;
    free_if_done(engine, handle);
  }
}

void Collector::free_if_done(engine::Engine& engine, int32_t handle) {
  HostEntry* entry = objects_.hosts.get(handle);
  if (entry == nullptr || entry->host == nullptr || !entry->closed) return;
  if (entry->first_session != kNoHandle || entry->first_channel != kNoHandle) return;
  engine.destroy_host(entry->host);
  entry->host = nullptr;
}

void Collector::take_session(Session* session, Time now) {
  const uint32_t what = session->take_events();
  int32_t handle = Objects::handle_of(session->user);
  if ((what & transport::kSessionOpen) != 0) {
    if (handle != kNoHandle) {
      events_.add(EventType::kSessionOpen, handle);
    } else {
      const int32_t host = host_of(*session);
      handle = objects_.add_session(host, session);
      if (handle == kNoHandle) {
        session->close(now, wire::Code::kOutOfMemory, nullptr, 0);
        session->release();
        return;
      }
      events_.add(EventType::kSessionIncoming, handle, host);
    }
  }
  if ((what & transport::kSessionClosed) == 0) return;
  if (handle == kNoHandle) {
    session->release();
  } else if (!closed_.push(handle) && events_.room() > 0) {
    events_.add_closed(EventType::kSessionClosed, handle, session->reason());
  }
}

// The handle of a channel that the peer opened; kNoHandle if it is turned away.
int32_t Collector::announce(Channel* channel, Time now) {
  const Session& session = channel->session();
  const int32_t session_handle = Objects::handle_of(session.user);
  const int32_t host = host_of(session);
  // Without a session that JS knows there is nobody to offer it to.
  const int32_t handle =
      session_handle == kNoHandle ? kNoHandle : objects_.add_channel(host, channel);
  if (handle == kNoHandle) {
    const wire::Code code =
        session_handle == kNoHandle ? wire::Code::kCancelled : wire::Code::kOutOfMemory;
    channel->refuse(now, code, nullptr, 0);
    channel->release(now);
    return kNoHandle;
  }
  events_.add_incoming(handle, host, session_handle, *channel);
  return handle;
}

void Collector::take_channel(Channel* channel, Time now) {
  const uint32_t what = channel->take_events();
  int32_t handle = Objects::handle_of(channel->user);
  bool readable = (what & transport::kChannelReadable) != 0;
  if ((what & transport::kChannelIncoming) != 0) {
    handle = announce(channel, now);
    if (handle == kNoHandle) return;
    if (readable && late_.push(handle)) readable = false;
  }
  if (handle == kNoHandle) return;
  if ((what & transport::kChannelAccepted) != 0) {
    events_.add(EventType::kChannelAccepted, handle);
  }
  if (readable) channel->deliver(now);
  if ((what & transport::kChannelWritable) != 0) events_.add(EventType::kWritable, handle);
  if ((what & transport::kChannelAcknowledged) != 0) {
    events_.add(EventType::kAcknowledged, handle, static_cast<double>(channel->base()));
  }
  if ((what & transport::kChannelEnded) != 0) events_.add(EventType::kEnded, handle);
  if ((what & transport::kChannelClosed) != 0) {
    events_.add_closed(EventType::kChannelClosed, handle, channel->reason());
  }
}

}  // namespace hawser::binding
