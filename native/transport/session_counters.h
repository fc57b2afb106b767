#pragma once

#include <cstdint>

#include "transport/time.h"
#include "transport/types.h"

namespace hawser::transport {

// What a session has to tell its owner. Bits.
enum SessionEvent : uint32_t {
  kSessionOpen = 1,    // the handshake is complete
  kSessionClosed = 2,  // gone; the last event. reason() says why; channels say it for themselves
};

// What a session counts as it goes.
struct SessionTotals {
  uint64_t packets_sent, packets_received, bytes_sent, bytes_received;
  uint64_t acks_sent, acks_received;
  uint64_t probes_sent;
  uint64_t channels_opened, channels_accepted;
  uint64_t handshakes_sent;
  // Times that the peer's address changed and packets followed it, back included; and new addresses
  // that did not prove to be the peer's.
  uint64_t path_changes, path_validations_failed;
  // Epochs of keys that were begun, and fresh handshakes within the session.
  uint64_t key_updates, renewals;
};

// That, and what its parts know.
struct SessionCounters : SessionTotals {
  uint64_t packets_lost, packets_acknowledged, spurious_losses;
  uint64_t packets_in_flight, bytes_in_flight, congestion_window;
  CongestionAlgorithm congestion_algorithm;
  // Bytes a second; 0: not paced yet.
  uint64_t pacing_rate;
  Duration smoothed_rtt, minimum_rtt, rtt_variation;
  uint64_t channels;
  // The peer's packets that did not arrive, smoothed, 0 to 1.
  double receive_loss;
  // Longest datagram on the path in use, bytes; and times that it was found to be too long.
  uint64_t path_datagram, black_holes;
};

}  // namespace hawser::transport
