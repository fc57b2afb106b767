// createSimulation: a second binding whose peers live on a virtual network with a virtual clock.
// JS (lib/testing/) decides what becomes of each datagram and when time goes on.

#include <napi.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "binding/arguments.h"
#include "binding/calls.h"
#include "binding/config.h"
#include "engine/virtual_network.h"
#include "net/impairment.h"

namespace hawser::binding {
namespace {

using engine::MutexLock;
using engine::VirtualNetwork;

// What one simulation has beside its environment.
struct Simulation {
  Simulation(napi_env env, uint64_t seed) : network(seed), environment(env, &network) {}

  VirtualNetwork network;
  // Destroyed before the network, which its engine uses.
  Environment environment;
  std::vector<net::Impairment> links;
  std::vector<uint8_t> scratch;
};

Simulation& simulation_of(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  return *static_cast<Simulation*>(static_cast<Environment*>(data)->owner);
}

napi_value to_number(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

napi_value to_boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

double to_nanoseconds(transport::Time time) {
  return time == transport::kNever ? HUGE_VAL : static_cast<double>(time);
}

napi_value sim_now(napi_env env, napi_callback_info info) {
  return to_number(env, to_nanoseconds(simulation_of(env, info).network.now()));
}

napi_value sim_set_now(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const auto now = static_cast<transport::Time>(to_integer(arguments.number(0), INT64_MAX / 2));
  simulation_of(env, info).network.set_now(now);
  return nullptr;
}

napi_value sim_next(napi_env env, napi_callback_info info) {
  return to_number(env, to_nanoseconds(simulation_of(env, info).environment.next_timeout()));
}

napi_value sim_begin(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const auto received = static_cast<size_t>(to_integer(arguments.number(0), UINT32_MAX));
  return to_boolean(env, arguments.environment().begin_round(received));
}

napi_value sim_finish(napi_env env, napi_callback_info info) {
  simulation_of(env, info).environment.end_round();
  return nullptr;
}

napi_value sim_more(napi_env env, napi_callback_info info) {
  return to_boolean(env, simulation_of(env, info).environment.more());
}

napi_value sim_resting(napi_env env, napi_callback_info info) {
  Environment& environment = simulation_of(env, info).environment;
  if (environment.engine() == nullptr) return to_boolean(env, true);
  MutexLock lock(environment.engine()->mutex());
  return to_boolean(env, environment.engine()->resting());
}

napi_value sim_address(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  char text[net::Address::kTextCapacity];
  const size_t length = read_text(env, arguments[0], text, sizeof text - 1);
  net::Address address;
  const auto port = static_cast<uint16_t>(to_integer(arguments.number(1), 65'535));
  if (!net::Address::parse({text, length}, port, &address)) return to_js(env, -1);
  return to_js(env, static_cast<int32_t>(simulation_of(env, info).network.number_of(address)));
}

napi_value sim_move(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Simulation& simulation = simulation_of(env, info);
  Environment& environment = simulation.environment;
  engine::Host* host = environment.objects.host(arguments.handle(0));
  const int32_t number = arguments.handle(2);
  if (host == nullptr || number < 0) return nullptr;
  if (static_cast<size_t>(number) >= simulation.network.address_count()) return nullptr;
  MutexLock lock(environment.engine()->mutex());
  host->move_socket(static_cast<size_t>(to_integer(arguments.number(1), UINT32_MAX)),
                    simulation.network.address(static_cast<uint32_t>(number)));
  return nullptr;
}

napi_value sim_receive(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Simulation& simulation = simulation_of(env, info);
  Environment& environment = simulation.environment;
  engine::Host* host = environment.objects.host(arguments.handle(0));
  const int32_t from = arguments.handle(2);
  Bytes bytes;
  if (host == nullptr || from < 0 || !read_bytes(env, arguments[3], &bytes) ||
      static_cast<size_t>(from) >= simulation.network.address_count()) {
    return to_boolean(env, false);
  }
  // A packet is opened in place, and JS keeps what was sent.
  simulation.scratch.assign(bytes.data, bytes.data + bytes.length);
  MutexLock lock(environment.engine()->mutex());
  environment.engine()->receive_datagram(
      simulation.network.now(), host,
      static_cast<size_t>(to_integer(arguments.number(1), UINT32_MAX)),
      simulation.network.address(static_cast<uint32_t>(from)), simulation.scratch.data(),
      simulation.scratch.size());
  return to_boolean(env, true);
}

// [host, socket, number of the address it goes to, packet number or -1, datagram, frames or
// undefined, connection id of the sender or undefined] for each datagram, one after another.
napi_value sim_take(napi_env env, napi_callback_info info) {
  VirtualNetwork& network = simulation_of(env, info).network;
  if (network.sent().empty()) return nullptr;
  napi_value list = nullptr;
  if (napi_create_array(env, &list) != napi_ok) return nullptr;
  uint32_t index = 0;
  const auto add = [&](napi_value value) { napi_set_element(env, list, index++, value); };
  const auto copy = [&](size_t offset, size_t length) {
    napi_value buffer = nullptr;
    napi_create_buffer_copy(env, length, network.bytes() + offset, nullptr, &buffer);
    return buffer;
  };
  for (const VirtualNetwork::Sent& sent : network.sent()) {
    add(to_js(env, Objects::handle_of(sent.from->host->user)));
    add(to_js(env, static_cast<int32_t>(sent.from->index)));
    add(to_js(env, static_cast<int32_t>(sent.to)));
    add(to_number(env, sent.has_frames ? static_cast<double>(sent.number) : -1));
    add(copy(sent.offset, sent.length));
    if (sent.has_frames) {
      add(copy(sent.frames_offset, sent.frames_length));
      napi_value source = nullptr;
      napi_create_buffer_copy(env, sizeof sent.source.bytes, sent.source.bytes, nullptr, &source);
      add(source);
    } else {
      napi_value undefined = nullptr;
      napi_get_undefined(env, &undefined);
      add(undefined);
      add(undefined);
    }
  }
  network.clear_sent();
  return list;
}

napi_value sim_inject(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Environment& environment = arguments.environment();
  engine::Host* host = environment.objects.host(arguments.handle(0));
  Bytes id;
  Bytes frames;
  if (host == nullptr || !read_bytes(env, arguments[1], &id) || id.length != wire::kPeerIdBytes ||
      !read_bytes(env, arguments[2], &frames)) {
    return to_boolean(env, false);
  }
  wire::PeerIdBytes remote{};
  std::memcpy(remote.bytes, id.data, id.length);
  MutexLock lock(environment.engine()->mutex());
  transport::Session* session = host->endpoint().find(remote);
  return to_boolean(
      env, session != nullptr && environment.engine()->transmit_foreign(
                                     environment.now(), *session, frames.data, frames.length));
}

napi_value sim_link(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Napi::Value value(env, arguments[0]);
  if (!value.IsObject()) return to_js(env, -1);
  const auto object = value.As<Napi::Object>();
  net::ImpairmentOptions options = get_impairment(object);
  options.burst_enter = get_number(object, "burstEnter");
  if (options.burst_enter > 0) {
    options.burst_leave = get_number(object, "burstLeave");
    options.burst_loss = get_number(object, "burstLoss");
  }
  options.rate_bytes_per_second = get_integer(object, "rate", UINT64_MAX / 2);
  options.queue_bytes = get_integer(object, "queue", UINT64_MAX / 2);
  if (const char* invalid = options.first_invalid(); invalid != nullptr) {
    napi_throw_range_error(env, nullptr, invalid);
    return nullptr;
  }
  std::vector<net::Impairment>& links = simulation_of(env, info).links;
  links.emplace_back(options);
  return to_js(env, static_cast<int32_t>(links.size() - 1));
}

// The number of copies that arrive, with [time, bit to flip] of each in `out`; -1: lost, -2: the
// queue was full.
napi_value sim_pass(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  Simulation& simulation = simulation_of(env, info);
  const int32_t link = arguments.handle(0);
  Bytes out;
  if (link < 0 || static_cast<size_t>(link) >= simulation.links.size() ||
      !read_bytes(env, arguments[2], &out) || out.length < 4 * sizeof(double)) {
    return to_js(env, -1);
  }
  net::Impairment& impairment = simulation.links[static_cast<size_t>(link)];
  const uint64_t lost = impairment.counters().lost;
  const net::ImpairmentDecision decision = impairment.decide(
      simulation.network.now(), static_cast<size_t>(to_integer(arguments.number(1), UINT32_MAX)));
  double row[4] = {};
  for (int i = 0; i < decision.copies; i++) {
    row[2 * i] = static_cast<double>(decision.copy[i].release_time);
    row[2 * i + 1] = static_cast<double>(decision.copy[i].corrupt_bit);
  }
  std::memcpy(const_cast<uint8_t*>(out.data), row, sizeof row);
  if (decision.copies == 0) return to_js(env, impairment.counters().lost > lost ? -1 : -2);
  return to_js(env, decision.copies);
}

napi_value sim_end(napi_env env, napi_callback_info info) {
  Simulation& simulation = simulation_of(env, info);
  simulation.environment.shutdown();
  simulation.environment.release_references();
  simulation.network.clear_sent();
  return nullptr;
}

// Functions may outlive the object that they came with: each keeps it, and with it the simulation.
bool bind_functions(napi_env env, napi_value binding) {
  napi_value names = nullptr;
  uint32_t count = 0;
  if (napi_get_property_names(env, binding, &names) != napi_ok ||
      napi_get_array_length(env, names, &count) != napi_ok) {
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    napi_value name = nullptr;
    napi_value function = nullptr;
    if (napi_get_element(env, names, i, &name) != napi_ok ||
        napi_get_property(env, binding, name, &function) != napi_ok ||
        napi_set_named_property(env, function, "binding", binding) != napi_ok) {
      return false;
    }
  }
  return true;
}

constexpr struct {
  const char* name;
  napi_callback function;
} kFunctions[] = {
    {"simNow", &sim_now},         {"simSetNow", &sim_set_now},  {"simNext", &sim_next},
    {"simBegin", &sim_begin},     {"simFinish", &sim_finish},   {"simMore", &sim_more},
    {"simResting", &sim_resting}, {"simAddress", &sim_address}, {"simMove", &sim_move},
    {"simReceive", &sim_receive}, {"simTake", &sim_take},       {"simInject", &sim_inject},
    {"simLink", &sim_link},       {"simPass", &sim_pass},       {"simEnd", &sim_end},
};

void destroy_simulation(napi_env, void* data, void*) { delete static_cast<Simulation*>(data); }

napi_value create_simulation(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function) {
    napi_throw_type_error(env, nullptr, "createSimulation() takes a seed and a function");
    return nullptr;
  }
  std::unique_ptr<Simulation> simulation(
      new (std::nothrow) Simulation(env, to_integer(arguments.number(0), UINT64_MAX / 2)));
  napi_value object = nullptr;
  if (simulation == nullptr || !simulation->environment.set_wake(arguments[1]) ||
      napi_create_object(env, &object) != napi_ok) {
    napi_throw_error(env, nullptr, "no memory");
    return nullptr;
  }
  Environment& environment = simulation->environment;
  environment.owner = simulation.get();
  const Napi::Object binding(env, object);
  export_engine_calls(binding, environment);
  export_host_calls(binding, environment);
  export_session_calls(binding, environment);
  export_channel_calls(binding, environment);
  for (const auto& [name, function] : kFunctions) {
    export_function(binding, environment, name, function);
  }
  if (!bind_functions(env, object) ||
      napi_wrap(env, object, simulation.get(), &destroy_simulation, nullptr, nullptr) != napi_ok) {
    napi_throw_error(env, nullptr, "no memory");
    return nullptr;
  }
  static_cast<void>(simulation.release());  // the object owns it now
  return object;
}

}  // namespace

void export_simulation_calls(Napi::Object exports, Environment& environment) {
  export_function(exports, environment, "createSimulation", &create_simulation);
}

}  // namespace hawser::binding
