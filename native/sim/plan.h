#pragma once

#include <cstdint>
#include <vector>

#include "sim/content.h"
#include "transport/types.h"
#include "wire/codes.h"

namespace hawser::sim {

// How one side reads.
enum class Reader : uint8_t {
  kContinuous,
  kOnce,     // asks again each time it has consumed what it was given
  kPausing,  // stops and goes on, again and again
  kNever,
};

// What a side does after its last message.
enum class Finish : uint8_t {
  kEnd,
  kStay,
};

// What one side of a channel does.
struct SidePlan {
  uint64_t messages = 0;
  SizeProfile sizes;
  // Pushes this many, then waits `gap`; 0: pushes until it is told to stop.
  uint32_t burst = 0;
  transport::Duration gap = 0;
  Finish finish = Finish::kEnd;

  Reader reader = Reader::kContinuous;
  // kOnce: time to consume; kPausing: length of a pause.
  transport::Duration pause = 0;
  // Of the runs offered, the part that is refused at first: no room now.
  double refusal = 0;

  // Resets the channel after it was handed this many messages.
  uint64_t reset_after = UINT64_MAX;
  wire::Code reset_code = wire::Code::kCancelled;

  transport::ChannelConfig config;
};

struct ChannelPlan {
  // Index from Workload::add_session.
  int session = 0;
  bool opened_by_initiator = true;
  transport::Time open_at = 0;
  // The other side does not accept.
  bool refuse = false;
  wire::Code refuse_code = wire::Code::kServiceRefused;
  // 0: the side that opens.
  SidePlan side[2];
};

// One side gets another address then, or as soon as it knows where the other one is.
struct MovePlan {
  transport::Time at = 0;
  bool initiator = false;
  // What is sent to the old address arrives as well.
  bool old_works = false;
};

struct SessionPlan {
  std::vector<MovePlan> moves;
  // Both sides get another address at once: neither can tell the other.
  transport::Time both_move_at = transport::kNever;
  int initiator = 0;
  int responder = 1;
  transport::Time connect_at = 0;
  transport::Duration give_up_after = 60 * transport::kSecond;
  // Closed by one side once all of its channels are gone.
  bool close_when_done = true;
  bool closed_by_initiator = true;
};

}  // namespace hawser::sim
