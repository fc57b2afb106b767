#include "transport/path_validation.h"

#include <algorithm>
#include <cstring>

namespace hawser::transport {

void PathValidation::begin(Time now, Duration pto, Duration longest, bool proven,
                           const uint8_t data[wire::kPathDataBytes]) {
  *this = PathValidation{};
  std::memcpy(data_, data, sizeof data_);
  proven_ = proven;
  began_at_ = next_at_ = now;
  pause_ = std::max(pto, kShortest / 2);
  give_up_at_ = now + std::max(kPtos * longest, kShortest);
}

void PathValidation::on_received(size_t bytes) {
  received_ += bytes;
  last_received_ = bytes;
  heard_ = true;
}

bool PathValidation::on_response(Time now, const uint8_t data[wire::kPathDataBytes]) {
  if (validated_ || challenges_ == 0) return false;
  if (std::memcmp(data, data_, sizeof data_) != 0) return false;
  validated_ = true;
  // Which of several was answered is not known.
  if (challenges_ == 1) round_trip_ = std::max<Duration>(now - sent_at_, 1);
  return true;
}

bool PathValidation::spend(size_t bytes) {
  if (!proven_ && sent_ + bytes > received_) return false;
  sent_ += bytes;
  return true;
}

bool PathValidation::may_challenge() const {
  if (validated_ || challenges_ >= kMaxChallenges) return false;
  if (proven_) return true;
  return heard_ && last_received_ >= kPacketBytes && sent_ + kPacketBytes <= received_;
}

Time PathValidation::deadline() const {
  return may_challenge() ? std::min(next_at_, give_up_at_) : give_up_at_;
}

void PathValidation::on_challenge_sent(Time now) {
  challenges_++;
  sent_ += kPacketBytes;
  sent_at_ = now;
  heard_ = false;
  next_at_ = now + pause_;
  pause_ *= 2;
}

}  // namespace hawser::transport
