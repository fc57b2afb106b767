// channelOpen, channelAccept, channelRefuse, send, flush, channelDemand, channelWatch, channelEnd,
// channelReset, channelRelease, channelCounters.

#include <algorithm>

#include "binding/arguments.h"
#include "binding/calls.h"
#include "binding/config.h"
#include "binding/counters.h"

namespace hawser::binding {
namespace {

using engine::MutexLock;
using transport::Channel;
using transport::Session;

napi_value channel_open(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Environment& environment = arguments.environment();
  SessionEntry* entry = environment.objects.sessions.get(arguments.handle(0));
  if (entry == nullptr) return to_js(env, kNoHandle);
  transport::ChannelConfig config;
  if (!get_channel_config(Napi::Value(env, arguments[3]), &config)) {
    napi_throw_type_error(env, nullptr, "config must be an object");
    return nullptr;
  }
  // One byte more than allowed, so that what is too long is refused and not cut.
  char service[wire::kMaxService + 2];
  const size_t service_length = read_text(env, arguments[1], service, wire::kMaxService + 1);
  Bytes metadata;
  read_bytes(env, arguments[2], &metadata);
  if (service_length < wire::kMinService || service_length > wire::kMaxService ||
      metadata.length > wire::kMaxMetadata) {
    napi_throw_type_error(env, nullptr, "service or metadata too long");
    return nullptr;
  }
  const int32_t host = entry->host;
  Shard* shard = Environment::shard_of(*entry->session);
  int32_t handle = kNoHandle;
  {
    MutexLock lock(environment.mutex_of(shard));
    const transport::Time now = environment.now();
    Channel* channel =
        entry->session->open_channel(now, config, reinterpret_cast<const uint8_t*>(service),
                                     service_length, metadata.data, metadata.length);
    const Session::State state = entry->session->state();
    if (channel != nullptr) {
      handle = environment.objects.add_channel(host, channel);
      if (handle == kNoHandle) channel->release(now);
    }
    const bool usable = state == Session::State::kOpen || state == Session::State::kConnecting;
    if (handle == kNoHandle && usable) handle = kNoMemory;
  }
  if (handle >= 0) {
    environment.objects.channels.get(handle)->max_buffered = config.max_buffered;
  }
  environment.after_change(shard);
  return to_js(env, handle);
}

napi_value channel_accept(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Environment& environment = arguments.environment();
  ChannelEntry* entry = environment.objects.channels.get(arguments.handle(0));
  if (entry == nullptr) return nullptr;
  transport::ChannelConfig config;
  if (!get_channel_config(Napi::Value(env, arguments[1]), &config)) {
    napi_throw_type_error(env, nullptr, "config must be an object");
    return nullptr;
  }
  entry->max_buffered = config.max_buffered;
  Shard* shard = Environment::shard_of(*entry->channel);
  {
    MutexLock lock(environment.mutex_of(shard));
    entry->channel->accept(environment.now(), config);
  }
  environment.after_change(shard);
  return nullptr;
}

// channelRefuse and channelReset.
template <void (Channel::*kEnd)(transport::Time, wire::Code, const char*, size_t)>
napi_value end_with_code(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Environment& environment = arguments.environment();
  Channel* channel = environment.objects.channel(arguments.handle(0));
  if (channel == nullptr) return nullptr;
  Shard* shard = Environment::shard_of(*channel);
  const Reason reason(env, arguments[2]);
  const wire::Code code = wire::code_from_wire(to_integer(arguments.number(1), UINT32_MAX));
  {
    MutexLock lock(environment.mutex_of(shard));
    (channel->*kEnd)(environment.now(), code, reason.text, reason.length);
  }
  environment.after_change(shard);
  return nullptr;
}

napi_value send(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Environment& environment = arguments.environment();
  Bytes bytes;
  if (!read_bytes(env, arguments[1], &bytes)) {
    napi_throw_type_error(env, nullptr, "data must be bytes");
    return nullptr;
  }
  double wanted = 0;
  if (arguments.count() > 2 && napi_get_value_double(env, arguments[2], &wanted) == napi_ok) {
    bytes.length = static_cast<size_t>(to_integer(wanted, bytes.length));
  }
  if (environment.engine() == nullptr) return to_js(env, kSendClosed);
  const int32_t status = environment.send(arguments.handle(0), bytes.data, bytes.length);
  // `undefined` is what most messages get, and costs nothing to make.
  return status == 0 ? nullptr : to_js(env, status);
}

// send() for arrays of bytes, whose elements need not be asked for their size. A call of Node-API
// costs a small message about as much as copying it does.
napi_value send_bytes(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Environment& environment = arguments.environment();
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, arguments[1], nullptr, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      length == 0 || environment.engine() == nullptr) {
    return send(env, info);
  }
  const int32_t status =
      environment.send(arguments.handle(0), static_cast<const uint8_t*>(data), length);
  return status == 0 ? nullptr : to_js(env, status);
}

napi_value flush(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  arguments.environment().flush();
  return nullptr;
}

napi_value channel_demand(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Environment& environment = arguments.environment();
  Channel* channel = environment.objects.channel(arguments.handle(0));
  if (channel == nullptr) return nullptr;
  Shard* shard = Environment::shard_of(*channel);
  const int32_t demand = std::clamp(arguments.handle(1), 0, 2);
  {
    MutexLock lock(environment.mutex_of(shard));
    channel->set_demand(environment.now(), static_cast<transport::Demand>(demand));
  }
  environment.after_change(shard);
  return nullptr;
}

napi_value channel_watch(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Environment& environment = arguments.environment();
  Channel* channel = environment.objects.channel(arguments.handle(0));
  if (channel == nullptr) return nullptr;
  Shard* shard = Environment::shard_of(*channel);
  {
    MutexLock lock(environment.mutex_of(shard));
    channel->watch_acknowledged(environment.now(), to_integer(arguments.number(1), UINT64_MAX / 2));
  }
  environment.after_change(shard);
  return nullptr;
}

napi_value channel_end(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment& environment = arguments.environment();
  Channel* channel = environment.objects.channel(arguments.handle(0));
  if (channel == nullptr) return nullptr;
  Shard* shard = Environment::shard_of(*channel);
  {
    MutexLock lock(environment.mutex_of(shard));
    channel->end(environment.now());
  }
  environment.after_change(shard);
  return nullptr;
}

napi_value channel_release(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment& environment = arguments.environment();
  const int32_t handle = arguments.handle(0);
  ChannelEntry* entry = environment.objects.channels.get(handle);
  if (entry == nullptr) return nullptr;
  Channel* channel = entry->channel;
  Shard* shard = Environment::shard_of(*channel);
  const int32_t host = entry->host;
  environment.objects.remove_channel(handle);
  {
    MutexLock lock(environment.mutex_of(shard));
    channel->release(environment.now());
    environment.free_if_done(host);
  }
  environment.after_change(shard);
  return nullptr;
}

napi_value channel_counters_call(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment& environment = arguments.environment();
  Channel* channel = environment.objects.channel(arguments.handle(0));
  if (channel == nullptr) return nullptr;
  CounterRow row;
  {
    MutexLock lock(environment.mutex_of(Environment::shard_of(*channel)));
    row = channel_counters(*channel);
  }
  return row.to_js(env);
}

}  // namespace

void export_channel_calls(Napi::Object exports, Environment& environment) {
  export_function(exports, environment, "channelOpen", &channel_open);
  export_function(exports, environment, "channelAccept", &channel_accept);
  export_function(exports, environment, "channelRefuse", &end_with_code<&Channel::refuse>);
  export_function(exports, environment, "send", &send);
  export_function(exports, environment, "sendBytes", &send_bytes);
  export_function(exports, environment, "flush", &flush);
  export_function(exports, environment, "channelDemand", &channel_demand);
  export_function(exports, environment, "channelWatch", &channel_watch);
  export_function(exports, environment, "channelEnd", &channel_end);
  export_function(exports, environment, "channelReset", &end_with_code<&Channel::reset>);
  export_function(exports, environment, "channelRelease", &channel_release);
  export_function(exports, environment, "channelCounters", &channel_counters_call);
}

}  // namespace hawser::binding
