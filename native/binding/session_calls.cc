// connect, sessionClose, sessionCounters, sessionRemote, sessionRelease.

#include <algorithm>
#include <cstring>

#include "binding/arguments.h"
#include "binding/calls.h"
#include "binding/config.h"
#include "binding/counters.h"
#include "binding/shard_set.h"
#include "engine/path.h"
#include "transport/opening.h"

namespace hawser::binding {
namespace {

using engine::MutexLock;
using transport::Opening;
using transport::Session;

// The candidates that one of the host's sockets reaches.
size_t read_candidates(const Napi::Value& value, const engine::Host& host,
                       transport::PathAddress* out) {
  if (!value.IsArray()) return 0;
  const auto list = value.As<Napi::Array>();
  size_t count = 0;
  for (uint32_t i = 0; i < list.Length() && count < Opening::kMaxCandidates; i++) {
    net::Address address;
    if (!get_address(list.Get(i), &address)) continue;
    const int socket = host.socket_for(address);
    if (socket < 0) continue;
    out[count++] = engine::to_path_address(address, static_cast<uint32_t>(socket));
  }
  return count;
}

// The session to a peer that JS may have: one that is there, else a new one. kNoHandle: there is
// nowhere to go, or there are as many as there may be. kNoMemory.
int32_t connect_locked(Environment& environment, int32_t host_handle, engine::Host& host,
                       const wire::PeerIdBytes& remote, const transport::PathAddress* candidates,
                       size_t count, transport::Duration timeout) {
  Session* session = host.endpoint().find(remote);
  if (session == nullptr || session->released()) {
    if (count == 0) return kNoHandle;
    const transport::Time now = environment.now();
    session = host.endpoint().connect(now, remote, candidates, count, now + timeout);
    if (session == nullptr) {
      return host.endpoint().full() ? kNoHandle : kNoMemory;
    }
  }
  const int32_t known = Objects::handle_of(session->user);
  if (known != kNoHandle) return known;
  const int32_t handle = environment.objects.add_session(host_handle, session);
  if (handle == kNoHandle) {
    session->close(environment.now(), wire::Code::kOutOfMemory, nullptr, 0);
    session->release();
    return kNoMemory;
  }
  return handle;
}

// The same where there are several engines: a session may be in any of them. Peers that dial each
// other have to meet, so a peer that has begun one here is dialled from where that is, and what it
// begins from now on is brought to where it is dialled from.
int32_t connect_one_of(Environment& environment, int32_t host_handle, ShardSet& shards,
                       const wire::PeerIdBytes& remote, const transport::PathAddress* candidates,
                       size_t count, transport::Duration timeout) {
  engine::HostGroup& group = shards.group();
  const int32_t begun = group.dialler_of(remote);
  uint32_t dialler = begun >= 0 ? static_cast<uint32_t>(begun) : shards.next_dialler();
  group.add_dial(remote, dialler);
  bool known = false;
  for (uint32_t i = 0; i < shards.size() && !known; i++) {
    transport::Endpoint& endpoint = shards[i].host()->endpoint();
    MutexLock lock(shards[i].engine().mutex());
    const Session* session = endpoint.find(remote);
    known = session != nullptr && !session->released();
    if (!known && !endpoint.half_open_with(remote)) continue;
    group.remove_dial(remote, dialler);
    dialler = i;
    group.add_dial(remote, dialler);
  }
  Shard& shard = shards[dialler];
  int32_t handle = kNoHandle;
  {
    MutexLock lock(shard.engine().mutex());
    handle =
        connect_locked(environment, host_handle, *shard.host(), remote, candidates, count, timeout);
  }
  SessionEntry* entry = environment.objects.sessions.get(handle);
  if (entry == nullptr || entry->dialled) {
    group.remove_dial(remote, dialler);
  } else {
    entry->dialled = true;
  }
  shard.changed();
  return handle;
}

napi_value connect(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Environment& environment = arguments.environment();
  const int32_t host_handle = arguments.handle(0);
  engine::Host* host = environment.objects.host(host_handle);
  if (host == nullptr) return to_js(env, kNoHandle);
  Bytes id;
  if (!read_bytes(env, arguments[1], &id) || id.length != wire::kPeerIdBytes) {
    napi_throw_type_error(env, nullptr, "id must be 32 bytes");
    return nullptr;
  }
  wire::PeerIdBytes remote{};
  std::memcpy(remote.bytes, id.data, id.length);
  transport::PathAddress candidates[Opening::kMaxCandidates];
  const size_t count = read_candidates(Napi::Value(env, arguments[2]), *host, candidates);
  const transport::Duration timeout = to_duration(arguments.number(3));
  int32_t handle = kNoHandle;
  if (ShardSet* shards = environment.objects.hosts.get(host_handle)->shards; shards != nullptr) {
    handle = connect_one_of(environment, host_handle, *shards, remote, candidates, count, timeout);
    return to_js(env, handle);
  }
  {
    MutexLock lock(environment.engine()->mutex());
    handle = connect_locked(environment, host_handle, *host, remote, candidates, count, timeout);
  }
  environment.after_change();
  return to_js(env, handle);
}

napi_value session_close(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Environment& environment = arguments.environment();
  Session* session = environment.objects.session(arguments.handle(0));
  if (session == nullptr) return nullptr;
  const Reason reason(env, arguments[2]);
  const wire::Code code = wire::code_from_wire(to_integer(arguments.number(1), UINT32_MAX));
  Shard* shard = Environment::shard_of(*session);
  {
    MutexLock lock(environment.mutex_of(shard));
    session->close(environment.now(), code, reason.text, reason.length);
  }
  environment.after_urgent_change(shard);
  return nullptr;
}

napi_value session_counters_call(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment& environment = arguments.environment();
  Session* session = environment.objects.session(arguments.handle(0));
  if (session == nullptr) return nullptr;
  CounterRow row;
  {
    MutexLock lock(environment.mutex_of(Environment::shard_of(*session)));
    row = session_counters(*session);
  }
  return row.to_js(env);
}

napi_value session_remote(napi_env raw_env, napi_callback_info info) {
  const Arguments<1> arguments(raw_env, info);
  Environment& environment = arguments.environment();
  Session* session = environment.objects.session(arguments.handle(0));
  if (session == nullptr) return nullptr;
  wire::PeerIdBytes id{};
  engine::Path path;
  {
    MutexLock lock(environment.mutex_of(Environment::shard_of(*session)));
    id = session->remote();
    path = engine::from_path_address(session->path());
  }
  const Napi::Env env(raw_env);
  Napi::Object remote = to_socket_config(env, path.address);
  napi_value bytes = nullptr;
  if (napi_create_buffer_copy(raw_env, sizeof id.bytes, id.bytes, nullptr, &bytes) == napi_ok) {
    remote.Set("id", Napi::Value(env, bytes));
  }
  return remote;
}

napi_value session_release(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment& environment = arguments.environment();
  const int32_t handle = arguments.handle(0);
  SessionEntry* entry = environment.objects.sessions.get(handle);
  if (entry == nullptr) return nullptr;
  Session* session = entry->session;
  const int32_t host = entry->host;
  environment.forget_dial(*entry);
  Shard* shard = Environment::shard_of(*session);
  environment.objects.remove_session(handle);
  MutexLock lock(environment.mutex_of(shard));
  session->release();
  environment.free_if_done(host);
  return nullptr;
}

}  // namespace

void export_session_calls(Napi::Object exports, Environment& environment) {
  export_function(exports, environment, "connect", &connect);
  export_function(exports, environment, "sessionClose", &session_close);
  export_function(exports, environment, "sessionCounters", &session_counters_call);
  export_function(exports, environment, "sessionRemote", &session_remote);
  export_function(exports, environment, "sessionRelease", &session_release);
}

}  // namespace hawser::binding
