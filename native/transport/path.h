#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/mtu_search.h"
#include "transport/pacer.h"
#include "transport/path_congestion.h"
#include "transport/rtt_estimator.h"
#include "transport/time.h"
#include "transport/types.h"
#include "wire/limits.h"

namespace hawser::transport {

// Finds out whether the peer receives at an address: 8 bytes that nobody can guess go there in a
// PATH_CHALLENGE, and come back in a PATH_RESPONSE (RFC 9000, section 8.2).
//
// An address that was not proven yet gets no datagram that is longer than the last one which came
// from it, no more bytes in all than came from it, and another challenge only if something has come
// since the last one.
class PathValidation {
 public:
  // A datagram with one PATH_CHALLENGE or PATH_RESPONSE, bytes.
  static constexpr size_t kFrameBytes = 1 + wire::kPathDataBytes;
  static constexpr size_t kPacketBytes = wire::kPacketOverhead + kFrameBytes;
  static constexpr unsigned kMaxChallenges = 5;
  // PTOs until an address that does not answer is given up; and at least so long.
  static constexpr int kPtos = 3;
  static constexpr Duration kShortest = 100 * kMillisecond;

  // `pto`: how long an answer takes, about; `longest`: where nothing is known of the way. `proven`:
  // the address was in use before.
  void begin(Time now, Duration pto, Duration longest, bool proven,
             const uint8_t data[wire::kPathDataBytes]);

  // An authentic datagram came from there.
  void on_received(size_t bytes);
  // False: not the bytes that were sent, or not awaited any more.
  bool on_response(Time now, const uint8_t data[wire::kPathDataBytes]);
  // Something else than a challenge goes there. False: it must not.
  bool spend(size_t bytes);

  bool due(Time now) const { return now < give_up_at_ && now >= next_at_ && may_challenge(); }
  // When a challenge becomes due, or there is no hope left.
  Time deadline() const;
  void on_challenge_sent(Time now);

  const uint8_t* data() const { return data_; }
  Time began_at() const { return began_at_; }
  Time give_up_at() const { return give_up_at_; }
  bool validated() const { return validated_; }
  // There and back, once validated by the answer to the only challenge; else 0.
  Duration round_trip() const { return round_trip_; }
  uint64_t bytes_received() const { return received_; }
  uint64_t bytes_sent() const { return sent_; }

 private:
  bool may_challenge() const;

  uint8_t data_[wire::kPathDataBytes] = {};
  bool proven_ = false;
  bool validated_ = false;
  // Something came since the last challenge.
  bool heard_ = false;
  unsigned challenges_ = 0;
  Time began_at_ = 0;
  Time sent_at_ = 0;
  Time next_at_ = 0;
  Time give_up_at_ = kNever;
  Duration pause_ = 0;
  Duration round_trip_ = 0;
  size_t last_received_ = 0;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
};

// PATH_RESPONSEs that wait to be sent. Of more than kMost the oldest is forgotten: whoever needs it
// asks again.
class PathAnswers {
 public:
  static constexpr size_t kMost = 3;
  struct Answer {
    PathAddress to;
    uint8_t data[wire::kPathDataBytes];
  };

  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  const Answer& front() const { return answers_[0]; }
  void push(const PathAddress& to, const uint8_t data[wire::kPathDataBytes]);
  void pop();

 private:
  Answer answers_[kMost];
  size_t count_ = 0;
};

// One of the other addresses that packets came from meanwhile, each packet with the same chance:
// who sends copies from many addresses, each just before the peer's own packet, does not win every
// time.
struct Rival {
  // `luck`: a random number.
  void offer(const PathAddress& from, uint64_t packet, size_t length, uint64_t luck);

  PathAddress address;
  uint64_t number = 0;
  size_t bytes = 0;
  uint64_t offers = 0;
};

// A way to the peer: an address, and what is known of the network on the way there.
struct Path {
  // `base`, `limit`: of the search for the longest datagram, bytes.
  Path(const PathAddress& to, uint32_t name, size_t base, size_t limit,
       CongestionAlgorithm algorithm = CongestionAlgorithm::kCubic)
      : address(to), number(name), mtu(base, limit), congestion(algorithm, base) {}

  // Only the port differs: probably a NAT has forgotten, and the network is the same (RFC 9000,
  // section 9.4).
  bool same_host(const Path& other) const;
  // The network is that of `other`: knows what that knows.
  void inherit(const Path& other);
  // Longest datagram sent, but for probes of a longer one. Bytes.
  size_t datagram() const { return mtu.size(); }
  // The probe timeout without back-off.
  Duration pto(Duration peer_max_ack_delay) const { return rtt.pto_base() + peer_max_ack_delay; }

  PathAddress address;
  // Of all the paths that the session has had, which.
  uint32_t number;
  MtuSearch mtu;
  RttEstimator rtt;
  PathCongestion congestion;
  Pacer pacer;
  // The largest packet number that came from there.
  uint64_t largest = 0;
  // The session has used it: the peer was there.
  bool proven = false;
  PathValidation validation;
  // Whether another address should be validated instead, and from when on.
  Rival rival;
  Time turn_ends_at = kNever;
};

}  // namespace hawser::transport
