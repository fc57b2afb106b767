// start, supplySlab, interfaces.

#include <algorithm>
#include <vector>

#include "binding/arguments.h"
#include "binding/calls.h"
#include "binding/config.h"
#include "net/interfaces.h"

namespace hawser::binding {
namespace {

constexpr uint64_t kMinSlabBytes = 4096;
constexpr uint64_t kMaxSlabBytes = 64u << 20;

napi_value start(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Environment& environment = arguments.environment();
  const Napi::Value value(env, arguments[0]);
  if (!value.IsObject()) {
    napi_throw_type_error(env, nullptr, "start() takes an object");
    return nullptr;
  }
  const auto object = value.As<Napi::Object>();
  const Napi::Value callback = object.Get("callback");
  if (!callback.IsFunction()) {
    napi_throw_type_error(env, nullptr, "callback must be a function");
    return nullptr;
  }
  StartOptions options;
  const Napi::Value driver = object.Get("driver");
  if (driver.IsString() && driver.As<Napi::String>().Utf8Value() == "thread") {
    options.driver = DriverChoice::kThread;
  }
  options.slabs = static_cast<int32_t>(
      std::max<uint64_t>(get_integer(object, "slabs", SlabSink::kMaxSlabs), 1));
  options.slab_bytes =
      std::max<uint64_t>(get_integer(object, "slabBytes", kMaxSlabBytes), kMinSlabBytes);
  options.callback = callback;
  if (!environment.start(options)) return nullptr;

  Napi::Object started = Napi::Object::New(env);
  started.Set("driver", Napi::String::New(env, environment.hybrid() ? "hybrid" : "thread"));
  started.Set("tables", Napi::Value(env, environment.tables()));
  return started;
}

napi_value supply_slab(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  if (!arguments.environment().supply_slab(arguments.handle(0), arguments[1])) {
    napi_throw_type_error(env, nullptr, "supplySlab() takes an index and an ArrayBuffer");
  }
  return nullptr;
}

napi_value set_spin(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  arguments.environment().set_spin(arguments.flag(0));
  return nullptr;
}

napi_value interfaces(napi_env env, napi_callback_info) {
  std::vector<net::InterfaceAddress> found;
  net::list_interfaces(&found);  // nothing found is an answer too
  Napi::Array list = Napi::Array::New(env);
  for (const net::InterfaceAddress& one : found) {
    char text[net::Address::kTextCapacity];
    const size_t length = one.address.format_host(text, sizeof text);
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", Napi::String::New(env, one.name));
    object.Set("address", Napi::String::New(env, text, length));
    object.Set("loopback", Napi::Boolean::New(env, one.loopback));
    object.Set("up", Napi::Boolean::New(env, one.up));
    list.Set(list.Length(), object);
  }
  return list;
}

}  // namespace

void export_engine_calls(Napi::Object exports, Environment& environment) {
  export_function(exports, environment, "start", &start);
  export_function(exports, environment, "supplySlab", &supply_slab);
  export_function(exports, environment, "setSpin", &set_spin);
  export_function(exports, environment, "interfaces", &interfaces);
}

}  // namespace hawser::binding
