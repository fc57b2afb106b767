// The addon's entry: one Environment for each environment that loads it.

#include <napi.h>

#include <new>

#include "binding/arguments.h"
#include "binding/calls.h"
#include "binding/environment.h"
#include "crypto/ed25519.h"
#include "crypto/openssl.h"

namespace hawser::binding {

void export_function(Napi::Object exports, Environment& environment, const char* name,
                     napi_callback function) {
  napi_value value = nullptr;
  if (napi_create_function(exports.Env(), name, NAPI_AUTO_LENGTH, function, &environment, &value) ==
      napi_ok) {
    napi_set_named_property(exports.Env(), exports, name, value);
  }
}

// Which libcrypto is in use, or why there is none: `{version, linked}` or `{missing}`.
static napi_value openssl_in_use(napi_env env, napi_callback_info) {
  Napi::Object object = Napi::Object::New(env);
  if (const crypto::OpenSsl* ssl = crypto::openssl(); ssl != nullptr) {
    object.Set("version", Napi::String::New(env, ssl->version(0)));
    object.Set("linked", Napi::Boolean::New(env, crypto::openssl_is_linked()));
  } else {
    object.Set("missing", Napi::String::New(env, crypto::openssl_missing()));
  }
  return object;
}

// publicKey(seed): 32 bytes; `undefined` for what is no seed, and where there is no libcrypto.
static napi_value public_key(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Bytes seed;
  crypto::Ed25519Key key;
  if (!read_bytes(env, arguments[0], &seed) || seed.length != crypto::kEd25519SeedBytes ||
      !key.init(seed.data)) {
    return nullptr;
  }
  napi_value out = nullptr;
  napi_create_buffer_copy(env, crypto::kEd25519PublicBytes, key.public_key(), nullptr, &out);
  return out;
}

static void free_environment(napi_env, void* data, void*) {
  delete static_cast<Environment*>(data);
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* environment = new (std::nothrow) Environment(env);
  if (environment == nullptr ||
      napi_set_instance_data(env, environment, &free_environment, nullptr) != napi_ok) {
    delete environment;
    napi_throw_error(env, nullptr, "no memory");
    return exports;
  }
  exports.Set("version", Napi::String::New(env, "0.1.0"));
  export_function(exports, *environment, "openssl", &openssl_in_use);
  export_function(exports, *environment, "publicKey", &public_key);
  export_engine_calls(exports, *environment);
  export_host_calls(exports, *environment);
  export_session_calls(exports, *environment);
  export_channel_calls(exports, *environment);
  export_simulation_calls(exports, *environment);
  return exports;
}

}  // namespace hawser::binding

// The macro below names it.
static Napi::Object init_hawser(Napi::Env env, Napi::Object exports) {
  return hawser::binding::init(env, exports);
}

NODE_API_MODULE(hawser, init_hawser)
