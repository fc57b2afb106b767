#include "binding/counters.h"

#include <cstring>

namespace hawser::binding {

namespace {
uint64_t millionths(double part) { return static_cast<uint64_t>(part * 1e6); }
}  // namespace

napi_value CounterRow::to_js(napi_env env) const {
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, length_ * sizeof(double), &data, &buffer) != napi_ok) {
    return nullptr;
  }
  std::memcpy(data, values_, length_ * sizeof(double));
  napi_create_typedarray(env, napi_float64_array, length_, buffer, 0, &array);
  return array;
}

CounterRow host_counters(engine::Host& host) {
  const net::SocketCounters sockets = host.counters();
  const transport::EndpointCounters endpoint = host.endpoint().counters();
  CounterRow row;
  row.add(sockets.datagrams_in);
  row.add(sockets.bytes_in);
  row.add(sockets.datagrams_out);
  row.add(sockets.bytes_out);
  row.add(endpoint.foreign + sockets.foreign);
  row.add(endpoint.malformed + sockets.truncated);
  row.add(endpoint.unknown_session);
  row.add(endpoint.not_for_us);
  row.add(endpoint.refused());
  row.add(endpoint.unauthenticated);
  row.add(endpoint.duplicates);
  row.add(endpoint.no_memory);
  row.add(endpoint.protocol_errors);
  row.add(endpoint.sessions_opened);
  row.add(endpoint.sessions_closed);
  row.add(host.endpoint().session_count());
  row.add(sockets.syscalls_in);
  row.add(sockets.syscalls_out);
  row.add(sockets.errors_out.other);
  row.add(host.impaired_dropped());
  row.add(host.endpoint().memory().in_use());
  row.add(endpoint.handshakes_answered);
  row.add(endpoint.cookies_sent);
  row.add(endpoint.resets_sent);
  row.add(host.endpoint().half_open_count());
  row.add(endpoint.displaced);
  row.add(endpoint.refused_sessions);
  row.add(endpoint.refused_half_open);
  row.add(endpoint.refused_of_peer);
  row.add(endpoint.refused_by_rate);
  row.add(endpoint.refused_dialled);
  row.add(host.handed_over());
  row.add(host.hand_overs_lost());
  return row;
}

CounterRow session_counters(const transport::Session& session) {
  const transport::SessionCounters c = session.counters();
  const auto microseconds = [](transport::Duration duration) {
    return static_cast<uint64_t>(duration / transport::kMicrosecond);
  };
  CounterRow row;
  row.add(c.packets_sent);
  row.add(c.packets_received);
  row.add(c.bytes_sent);
  row.add(c.bytes_received);
  row.add(c.packets_lost);
  row.add(c.packets_acknowledged);
  row.add(c.spurious_losses);
  row.add(c.acks_sent);
  row.add(c.acks_received);
  row.add(c.probes_sent);
  row.add(c.bytes_in_flight);
  row.add(c.congestion_window);
  row.add(microseconds(c.smoothed_rtt));
  row.add(microseconds(c.minimum_rtt));
  row.add(microseconds(c.rtt_variation));
  row.add(c.channels);
  row.add(c.channels_opened);
  row.add(c.channels_accepted);
  row.add(c.handshakes_sent);
  row.add(millionths(c.receive_loss));
  row.add(c.key_updates);
  row.add(c.renewals);
  row.add(c.path_changes);
  row.add(c.path_validations_failed);
  row.add(c.path_datagram);
  row.add(c.black_holes);
  row.add(static_cast<uint64_t>(c.congestion_algorithm));
  row.add(c.pacing_rate);
  return row;
}

CounterRow channel_counters(const transport::Channel& channel) {
  const transport::ChannelCounters c = channel.counters();
  CounterRow row;
  row.add(c.messages_sent);
  row.add(c.messages_received);
  row.add(c.bytes_received);
  row.add(c.messages_resent);
  row.add(c.bytes_resent);
  row.add(c.duplicates);
  row.add(c.counts_sent);
  row.add(c.counts_received);
  row.add(c.in_flight);
  row.add(c.window);
  row.add(c.ack_every);
  row.add(c.unsent_bytes);
  row.add(c.credit_left);
  row.add(c.held_messages);
  row.add(c.memory_bytes);
  row.add(channel.written_sequence());
  row.add(channel.base());
  row.add(channel.session().first_sequence());
  row.add(c.expired);
  row.add(c.skipped);
  row.add(c.requests_sent);
  row.add(c.requests_received);
  row.add(c.resend_timeouts);
  for (const uint64_t counts : c.counts_by_cause) row.add(counts);
  row.add(millionths(c.loss));
  row.add(millionths(c.advised_loss));
  row.add(static_cast<uint64_t>(c.window_cause));
  row.add(c.peer_window);
  row.add(c.peer_ack_every);
  return row;
}

}  // namespace hawser::binding
