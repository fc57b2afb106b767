#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "transport/answer_queue.h"
#include "transport/memory.h"
#include "transport/time.h"
#include "transport/types.h"

namespace hawser::transport {

// What a session has only until it is open: how long it tries, the INIT or RESPONSE that it sends
// again, and, if it dials, the addresses that it tries and the answers that wait.
struct Opening {
  // Addresses a connecting session tries.
  static constexpr size_t kMaxCandidates = 8;
  // Answers, cookies included, that are looked at for each INIT: each costs a computation or a
  // packet, and anybody who sees our INIT can send them.
  static constexpr uint32_t kTriesPerInit = 16;

  Opening(Memory& owner, Time now, Time give_up_at)
      : memory(owner), began_at(now), deadline(give_up_at), waiting(owner, kTriesPerInit) {}
  ~Opening() {
    memory.release(candidates, candidate_count * sizeof(PathAddress));
    memory.release(flight, flight_length);
  }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  // Both once at most. False: no memory.
  [[nodiscard]] bool keep_candidates(const PathAddress* addresses, size_t count) {
    count = std::min(count, kMaxCandidates);
    candidates = static_cast<PathAddress*>(memory.allocate(count * sizeof(PathAddress)));
    if (candidates == nullptr) return false;
    candidate_count = count;
    std::copy_n(addresses, count, candidates);
    return true;
  }
  [[nodiscard]] bool keep_flight(size_t length) {
    flight = static_cast<uint8_t*>(memory.allocate(length));
    if (flight == nullptr) return false;
    flight_length = length;
    return true;
  }
  // Which candidate that is; candidate_count: none.
  size_t index_of(const PathAddress& address) const {
    return static_cast<size_t>(std::find(candidates, candidates + candidate_count, address) -
                               candidates);
  }

  Memory& memory;
  Time began_at;
  Time deadline;
  // When the first INIT or RESPONSE left.
  Time sent_at = 0;
  // INIT or RESPONSE; nullptr while our message is computed.
  uint8_t* flight = nullptr;
  size_t flight_length = 0;
  // Half-open: a RESPONSE is to be sent.
  bool response_wanted = false;

  // Connecting.
  PathAddress* candidates = nullptr;
  size_t candidate_count = 0;
  size_t next_candidate = 0;
  Time next_init = kNever;
  Duration init_pause = 0;
  // Answers and cookies that are looked at before the next INIT.
  uint32_t tries = 0;
  // Candidates whose cookie was taken, as bits, until the time when another one may come.
  uint32_t cookies_taken = 0;
  Time next_cookies = 0;
  AnswerQueue waiting;
};

}  // namespace hawser::transport
