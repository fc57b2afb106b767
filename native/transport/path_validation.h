#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/time.h"
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

}  // namespace hawser::transport
