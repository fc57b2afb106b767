// Reading the configuration objects of JS. lib/ has checked them; here nothing of them may do harm.
#pragma once

#include <napi.h>

#include <cstdint>

#include "net/address.h"
#include "net/impairment.h"
#include "transport/types.h"

namespace hawser::binding {

// 0 for what is not a number.
double get_number(Napi::Object object, const char* name);
uint64_t get_integer(Napi::Object object, const char* name, uint64_t most);
bool get_flag(Napi::Object object, const char* name);

// {address, port}. False: not a literal address.
bool get_address(Napi::Value value, net::Address* out);
Napi::Object to_socket_config(Napi::Env env, const net::Address& address);

// False: not an object.
bool get_channel_config(Napi::Value value, transport::ChannelConfig* out);
net::ImpairmentOptions get_impairment(Napi::Object object);

// Milliseconds to nanoseconds, 0 to about a hundred years.
transport::Duration to_duration(double milliseconds);

// As Node spells it, e.g. EADDRINUSE.
const char* errno_name(int error);

}  // namespace hawser::binding
