#include "binding/objects.h"

namespace hawser::binding {
namespace {

template <typename Entry>
void link(HandleTable<Entry>& table, int32_t& first, int32_t handle) {
  HandleLinks& links = table.get(handle)->links;
  links = {kNoHandle, first};
  if (first != kNoHandle) table.get(first)->links.previous = handle;
  first = handle;
}

template <typename Entry>
void unlink(HandleTable<Entry>& table, int32_t& first, int32_t handle) {
  const HandleLinks links = table.get(handle)->links;
  if (links.previous != kNoHandle) {
    table.get(links.previous)->links.next = links.next;
  } else {
    first = links.next;
  }
  if (links.next != kNoHandle) table.get(links.next)->links.previous = links.previous;
}

}  // namespace

int32_t Objects::add_host(engine::Host* host) {
  HostEntry entry;
  entry.host = host;
  const int32_t handle = hosts.add(entry);
  if (handle != kNoHandle) host->user = static_cast<uint64_t>(handle) + 1;
  return handle;
}

int32_t Objects::add_session(int32_t host, transport::Session* session) {
  SessionEntry entry;
  entry.session = session;
  entry.host = host;
  const int32_t handle = sessions.add(entry);
  if (handle == kNoHandle) return kNoHandle;
  session->user = static_cast<uint64_t>(handle) + 1;
  link(sessions, hosts.get(host)->first_session, handle);
  return handle;
}

int32_t Objects::add_channel(int32_t host, transport::Channel* channel) {
  ChannelEntry entry;
  entry.channel = channel;
  entry.host = host;
  const int32_t handle = channels.add(entry);
  if (handle == kNoHandle) return kNoHandle;
  channel->user = static_cast<uint64_t>(handle) + 1;
  link(channels, hosts.get(host)->first_channel, handle);
  return handle;
}

void Objects::remove_session(int32_t handle) {
  SessionEntry* entry = sessions.get(handle);
  if (entry == nullptr) return;
  entry->session->user = 0;
  unlink(sessions, hosts.get(entry->host)->first_session, handle);
  sessions.remove(handle);
}

void Objects::remove_channel(int32_t handle) {
  ChannelEntry* entry = channels.get(handle);
  if (entry == nullptr) return;
  entry->channel->user = 0;
  unlink(channels, hosts.get(entry->host)->first_channel, handle);
  channels.remove(handle);
}

}  // namespace hawser::binding
