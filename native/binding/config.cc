#include "binding/config.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "binding/arguments.h"
#include "wire/limits.h"

namespace hawser::binding {

double get_number(Napi::Object object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
}

uint64_t get_integer(Napi::Object object, const char* name, uint64_t most) {
  return to_integer(get_number(object, name), most);
}

bool get_flag(Napi::Object object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

bool get_address(Napi::Value value, net::Address* out) {
  if (!value.IsObject()) return false;
  const auto object = value.As<Napi::Object>();
  const Napi::Value host = object.Get("address");
  if (!host.IsString()) return false;
  const std::string text = host.As<Napi::String>().Utf8Value();
  return net::Address::parse(text, static_cast<uint16_t>(get_integer(object, "port", 65'535)), out);
}

Napi::Object to_socket_config(Napi::Env env, const net::Address& address) {
  char text[net::Address::kTextCapacity];
  const size_t length = address.format_host(text, sizeof text);
  Napi::Object object = Napi::Object::New(env);
  object.Set("address", Napi::String::New(env, text, length));
  object.Set("port", Napi::Number::New(env, address.port));
  return object;
}

bool get_channel_config(Napi::Value value, transport::ChannelConfig* out) {
  if (!value.IsObject()) return false;
  const auto object = value.As<Napi::Object>();
  out->max_message = static_cast<uint32_t>(
      std::max<uint64_t>(get_integer(object, "maxMessageBytes", wire::kMaxMessage), 1));
  out->window = static_cast<uint32_t>(get_integer(object, "window", wire::kMaxWindow));
  if (out->window != 0) out->window = std::max(out->window, wire::kMinWindow);
  out->ack_every = static_cast<uint32_t>(get_integer(object, "ackEvery", wire::kMaxWindow));
  if (out->window != 0) out->ack_every = std::min(out->ack_every, out->window);
  out->ack_timeout = to_duration(get_number(object, "ackTimeout"));
  out->window_minimum = static_cast<uint32_t>(get_integer(object, "windowMin", wire::kMaxWindow));
  out->window_maximum = static_cast<uint32_t>(get_integer(object, "windowMax", wire::kMaxWindow));
  out->counted = get_flag(object, "counted");
  out->fill = get_flag(object, "fill");
  out->flush_after = to_duration(get_number(object, "flushAfter"));
  out->resend_timeout = to_duration(get_number(object, "resendTimeout"));
  out->resend_all = get_flag(object, "resendAll");
  out->delivery = static_cast<wire::Delivery>(
      get_integer(object, "delivery", static_cast<uint64_t>(wire::Delivery::kUnreliable)));
  out->expires_after = to_duration(get_number(object, "expiresAfter"));
  out->priority = static_cast<uint8_t>(get_integer(object, "priority", 7));
  out->weight = static_cast<uint16_t>(get_integer(object, "weight", 256));
  out->high_water_mark = get_integer(object, "highWaterMark", UINT64_MAX / 2);
  out->max_buffered = get_integer(object, "maxBuffered", UINT64_MAX / 2);
  out->idle_timeout = to_duration(get_number(object, "idleTimeout"));
  return true;
}

net::ImpairmentOptions get_impairment(Napi::Object object) {
  net::ImpairmentOptions options;
  options.loss = get_number(object, "loss");
  options.duplicate = get_number(object, "duplicate");
  options.reorder = get_number(object, "reorder");
  options.corrupt = get_number(object, "corrupt");
  options.delay_ns = to_duration(get_number(object, "delay"));
  options.jitter_ns = to_duration(get_number(object, "jitter"));
  options.seed = get_integer(object, "seed", UINT64_MAX / 2);
  return options;
}

transport::Duration to_duration(double milliseconds) {
  constexpr uint64_t kMost = uint64_t{100} * 365 * 24 * 3600 * 1000;
  const double nanoseconds = milliseconds * 1e6;
  return static_cast<transport::Duration>(to_integer(nanoseconds, kMost * 1'000'000));
}

const char* errno_name(int error) {
  switch (error) {
    case EACCES:
      return "EACCES";
    case EADDRINUSE:
      return "EADDRINUSE";
    case EADDRNOTAVAIL:
      return "EADDRNOTAVAIL";
    case EAFNOSUPPORT:
      return "EAFNOSUPPORT";
    case EINVAL:
      return "EINVAL";
    case EMFILE:
      return "EMFILE";
    case ENFILE:
      return "ENFILE";
    case ENETDOWN:
      return "ENETDOWN";
    case ENOBUFS:
      return "ENOBUFS";
    case ENODEV:
      return "ENODEV";
    case ENOMEM:
      return "ENOMEM";
    case ENOSPC:
      return "ENOSPC";
    case ENOSYS:
      return "ENOSYS";
    case EPERM:
      return "EPERM";
    case EPROTONOSUPPORT:
      return "EPROTONOSUPPORT";
    default:
      return "UNKNOWN";
  }
}

}  // namespace hawser::binding
