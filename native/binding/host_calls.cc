// hostCreate, hostListen, hostClose, hostDestroy, hostCounters, hostSockets, hostKeepAlive.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "binding/arguments.h"
#include "binding/calls.h"
#include "binding/config.h"
#include "binding/counters.h"
#include "binding/shard_set.h"
#include "crypto/ed25519.h"
#include "crypto/noise.h"

namespace hawser::binding {
namespace {

using engine::MutexLock;

// Sockets of one host; lib/ asks for a handful.
constexpr uint32_t kMaxSockets = 64;

Napi::Object to_host_error(Napi::Env env, const engine::HostError& error) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("socket", Napi::Number::New(env, static_cast<double>(error.socket)));
  object.Set("errno", Napi::Number::New(env, error.error));
  object.Set("code", Napi::String::New(env, errno_name(error.error)));
  return object;
}

void read_limits(Napi::Object object, transport::EndpointConfig* config) {
  const auto set = [&object](const char* name, uint32_t* field) {
    const uint64_t value = get_integer(object, name, UINT32_MAX);
    if (value != 0) *field = static_cast<uint32_t>(value);
  };
  set("maxSessions", &config->max_sessions);
  set("maxSessionsPerPeer", &config->max_sessions_per_peer);
  set("maxHalfOpen", &config->max_half_open);
  set("handshakeRate", &config->handshake_rate);
  // Of these 0 means something, and what is left out is the default.
  const auto set_any = [&object](const char* name, uint32_t* field) {
    if (object.Get(name).IsNumber()) {
      *field = static_cast<uint32_t>(get_integer(object, name, UINT32_MAX));
    }
  };
  set_any("cookiesFrom", &config->cookies_above);
  set_any("unprovenRate", &config->unproven_rate);
  set_any("resetRate", &config->reset_rate);
  set("maxChannels", &config->max_channels);
  set("idleTimeout", &config->idle_timeout_ms);
  set("mtu", &config->path_datagram_limit);
  if (object.Get("congestion").IsNumber()) {
    config->congestion = get_integer(object, "congestion", 1) == 1
                             ? transport::CongestionAlgorithm::kBbr
                             : transport::CongestionAlgorithm::kCubic;
  }
  config->memory_limit = get_integer(object, "memory", SIZE_MAX / 2);
  // For tests: where sequence numbers begin.
  const uint64_t first = get_integer(object, "firstSequence", uint64_t{1} << 53);
  if (first != 0) config->first_sequence = first;
}

// Calls visit(Host&) for each host of it, under the lock of its engine.
template <typename Visit>
void each_host(Environment& environment, const HostEntry& entry, Visit&& visit) {
  if (entry.shards == nullptr) {
    MutexLock lock(environment.engine()->mutex());
    visit(*entry.host);
    return;
  }
  for (uint32_t i = 0; i < entry.shards->size(); i++) {
    Shard& shard = (*entry.shards)[i];
    MutexLock lock(shard.engine().mutex());
    visit(*shard.host());
  }
}

bool is_disabled(Napi::Object object, const char* what) {
  const Napi::Value value = object.Get("disable");
  return value.IsObject() && get_flag(value.As<Napi::Object>(), what);
}

void read_disabled(Napi::Object object, net::SocketOptions* options) {
  options->gso = !is_disabled(object, "gso");
  options->gro = !is_disabled(object, "gro");
  options->mmsg = !is_disabled(object, "mmsg");
  options->dont_fragment = !is_disabled(object, "dontFragment");
  if (is_disabled(object, "buffers")) {
    options->receive_buffer_bytes = 0;
    options->send_buffer_bytes = 0;
  }
}

Napi::Object to_host_info(Napi::Env env, int32_t handle, const engine::Host& host) {
  Napi::Object info = Napi::Object::New(env);
  Napi::Array sockets = Napi::Array::New(env);
  for (size_t i = 0; i < host.socket_count(); i++) {
    const net::Address& address = host.socket(i).local_address();
    sockets.Set(static_cast<uint32_t>(i), to_socket_config(env, address));
  }
  info.Set("handle", Napi::Number::New(env, handle));
  info.Set("sockets", sockets);
  return info;
}

Napi::Object to_socket_info(Napi::Env env, const net::Address& address,
                            const net::SocketFeatures& features) {
  Napi::Object info = to_socket_config(env, address);
  info.Set("receiveBuffer", Napi::Number::New(env, features.receive_buffer_bytes));
  info.Set("sendBuffer", Napi::Number::New(env, features.send_buffer_bytes));
  info.Set("gso", Napi::Boolean::New(env, features.gso));
  info.Set("gro", Napi::Boolean::New(env, features.gro));
  info.Set("mmsg", Napi::Boolean::New(env, features.mmsg));
  info.Set("dontFragment", Napi::Boolean::New(env, features.dont_fragment));
  return info;
}

napi_value host_create(napi_env raw_env, napi_callback_info info) {
  const Arguments<1> arguments(raw_env, info);
  Environment& environment = arguments.environment();
  const Napi::Env env(raw_env);
  const Napi::Value value(env, arguments[0]);
  if (environment.engine() == nullptr || !value.IsObject()) {
    napi_throw_type_error(env, nullptr, "hostCreate() takes an object, after start()");
    return nullptr;
  }
  const auto object = value.As<Napi::Object>();
  engine::HostOptions options;
  Bytes seed;
  Bytes network_key;
  if (!read_bytes(env, object.Get("seed"), &seed) || seed.length != crypto::kEd25519SeedBytes) {
    napi_throw_type_error(env, nullptr, "seed must be 32 bytes");
    return nullptr;
  }
  options.identity_seed = seed.data;
  if (const Napi::Value key = object.Get("networkKey"); !key.IsUndefined()) {
    if (!read_bytes(env, key, &network_key) || network_key.length != crypto::kNoisePskBytes) {
      napi_throw_type_error(env, nullptr, "networkKey must be 32 bytes");
      return nullptr;
    }
    options.network_key = network_key.data;
  }
  const Napi::Value sockets = object.Get("sockets");
  if (!sockets.IsArray() || sockets.As<Napi::Array>().Length() > kMaxSockets) {
    napi_throw_type_error(env, nullptr, "sockets must be a short array");
    return nullptr;
  }
  net::Address addresses[kMaxSockets];
  const auto list = sockets.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    if (!get_address(list.Get(i), &addresses[i])) return to_host_error(env, {i, EINVAL});
  }
  options.addresses = addresses;
  options.address_count = list.Length();
  read_limits(object, &options.endpoint);
  read_disabled(object, &options.sockets);
  net::ImpairmentOptions impairment;
  if (const Napi::Value impair = object.Get("impair"); impair.IsObject()) {
    impairment = get_impairment(impair.As<Napi::Object>());
    if (const char* invalid = impairment.first_invalid(); invalid != nullptr) {
      napi_throw_type_error(env, nullptr, invalid);
      return nullptr;
    }
    options.impairment = &impairment;
  }

  engine::HostError error;
  const auto engines = static_cast<uint32_t>(
      std::max<uint64_t>(get_integer(object, "engines", engine::Steering::kMaxMembers), 1));
  if (engines > 1) {
    const bool steered = !is_disabled(object, "steering");
    const int32_t made = environment.create_shards(options, engines, steered, &error);
    if (made == kNoHandle) return to_host_error(env, error);
    return to_host_info(env, made, *environment.objects.host(made));
  }
  engine::Host* host = nullptr;
  int32_t handle = kNoHandle;
  {
    MutexLock lock(environment.engine()->mutex());
    host = environment.engine()->create_host(options, &error);
    if (host != nullptr) {
      handle = environment.objects.add_host(host);
      if (handle == kNoHandle) {
        environment.engine()->destroy_host(host);
        host = nullptr;
        error = {0, ENOMEM};
      }
    }
  }
  if (host == nullptr) return to_host_error(env, error);
  environment.after_sockets_changed();
  return to_host_info(env, handle, *host);
}

napi_value host_listen(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Environment& environment = arguments.environment();
  const HostEntry* entry = environment.objects.hosts.get(arguments.handle(0));
  if (entry == nullptr || entry->host == nullptr) return nullptr;
  const bool accepting = arguments.flag(1);
  each_host(environment, *entry,
            [accepting](engine::Host& host) { host.endpoint().set_accepting(accepting); });
  return nullptr;
}

napi_value host_close(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Environment& environment = arguments.environment();
  const HostEntry* entry = environment.objects.hosts.get(arguments.handle(0));
  if (entry == nullptr || entry->host == nullptr) return nullptr;
  const Reason reason(env, arguments[2]);
  const wire::Code code = wire::code_from_wire(to_integer(arguments.number(1), UINT32_MAX));
  each_host(environment, *entry, [&](engine::Host& host) {
    auto* shard = static_cast<Shard*>(host.context);
    engine::Engine& engine = shard == nullptr ? *environment.engine() : shard->engine();
    engine.close_host(&host, environment.now(), code, reason.text, reason.length);
  });
  for (uint32_t i = 0; entry->shards != nullptr && i < entry->shards->size(); i++) {
    environment.after_urgent_change(&(*entry->shards)[i]);
  }
  if (entry->shards == nullptr) environment.after_urgent_change();
  return nullptr;
}

napi_value host_destroy(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  arguments.environment().destroy_host(arguments.handle(0));
  return nullptr;
}

napi_value host_counters_call(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Environment& environment = arguments.environment();
  const HostEntry* entry = environment.objects.hosts.get(arguments.handle(0));
  if (entry == nullptr || entry->host == nullptr) return nullptr;
  // Of all engines together, unless one is named.
  const int32_t wanted = arguments.handle(1);
  CounterRow row;
  int32_t index = 0;
  each_host(environment, *entry, [&](engine::Host& host) {
    if (wanted == kNoHandle || wanted == index) row.add_to_each(host_counters(host));
    index++;
  });
  if (wanted >= index) return nullptr;
  const engine::SpinBudget* spinning = environment.spinning();
  row.add(spinning == nullptr ? 0 : spinning->spins());
  row.add(spinning == nullptr ? 0 : spinning->hits());
  return row.to_js(env);
}

napi_value host_sockets(napi_env raw_env, napi_callback_info info) {
  const Arguments<1> arguments(raw_env, info);
  Environment& environment = arguments.environment();
  const HostEntry* entry = environment.objects.hosts.get(arguments.handle(0));
  if (entry == nullptr || entry->host == nullptr) return nullptr;
  std::vector<std::pair<net::Address, net::SocketFeatures>> found;
  each_host(environment, *entry, [&](engine::Host& host) {
    for (size_t i = 0; i < host.socket_count(); i++) {
      found.emplace_back(host.socket(i).local_address(), host.socket(i).features());
    }
  });
  const Napi::Env env(raw_env);
  Napi::Array sockets = Napi::Array::New(env);
  for (size_t i = 0; i < found.size(); i++) {
    sockets.Set(static_cast<uint32_t>(i), to_socket_info(env, found[i].first, found[i].second));
  }
  return sockets;
}

napi_value host_keep_alive(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  arguments.environment().set_keep_alive(arguments.handle(0), arguments.flag(1));
  return nullptr;
}

}  // namespace

void export_host_calls(Napi::Object exports, Environment& environment) {
  export_function(exports, environment, "hostCreate", &host_create);
  export_function(exports, environment, "hostListen", &host_listen);
  export_function(exports, environment, "hostClose", &host_close);
  export_function(exports, environment, "hostDestroy", &host_destroy);
  export_function(exports, environment, "hostCounters", &host_counters_call);
  export_function(exports, environment, "hostSockets", &host_sockets);
  export_function(exports, environment, "hostKeepAlive", &host_keep_alive);
}

}  // namespace hawser::binding
