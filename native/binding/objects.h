// The native objects that JS has handles of.
#pragma once

#include <cstdint>

#include "binding/handle_table.h"
#include "engine/host.h"
#include "transport/channel.h"
#include "transport/session.h"

namespace hawser::binding {

class ShardSet;

inline constexpr int32_t kNoHandle = -1;
// What JS is told instead of a handle when memory is what lacks.
inline constexpr int32_t kNoMemory = -2;

// The handles of a host's sessions and channels hang on lists, so that they can all be taken away
// with it.
struct HandleLinks {
  int32_t previous = kNoHandle;
  int32_t next = kNoHandle;
};

struct HostEntry {
  // nullptr: closed to the end; only the number is left, until JS destroys it.
  engine::Host* host = nullptr;
  // Of a peer with several engines: they, and `host` is that of the first. nullptr: it is in the
  // environment's own.
  ShardSet* shards = nullptr;
  int32_t first_session = kNoHandle;
  int32_t first_channel = kNoHandle;
  bool keeps_alive = false;
  bool closed = false;
};

struct SessionEntry {
  transport::Session* session = nullptr;
  int32_t host = kNoHandle;
  // Noted in the HostGroup as one that we have begun.
  bool dialled = false;
  HandleLinks links;
};

struct ChannelEntry {
  transport::Channel* channel = nullptr;
  int32_t host = kNoHandle;
  HandleLinks links;
  uint64_t max_buffered = 0;
  bool dirty = false;   // on the list of channels to flush
  bool warm = false;    // on the list of channels whose ring may be given back
  bool pushed = false;  // since that list was last looked at
};

// The tables of one JS environment. `user` of a native object is its handle + 1.
class Objects {
 public:
  HandleTable<HostEntry> hosts;
  HandleTable<SessionEntry> sessions;
  HandleTable<ChannelEntry> channels;

  // Each answers kNoHandle when there is no memory.
  int32_t add_host(engine::Host* host);
  int32_t add_session(int32_t host, transport::Session* session);
  int32_t add_channel(int32_t host, transport::Channel* channel);
  // The native object forgets the handle, and the handle its object.
  void remove_session(int32_t handle);
  void remove_channel(int32_t handle);

  static int32_t handle_of(uint64_t user) { return static_cast<int32_t>(user) - 1; }

  engine::Host* host(int64_t handle) {
    HostEntry* entry = hosts.get(handle);
    return entry == nullptr ? nullptr : entry->host;
  }
  transport::Session* session(int64_t handle) {
    SessionEntry* entry = sessions.get(handle);
    return entry == nullptr ? nullptr : entry->session;
  }
  transport::Channel* channel(int64_t handle) {
    ChannelEntry* entry = channels.get(handle);
    return entry == nullptr ? nullptr : entry->channel;
  }
};

}  // namespace hawser::binding
