#include "sim/link.h"

#include <algorithm>
#include <bit>

#include "wire/limits.h"

namespace hawser::sim {

using transport::Time;

namespace {

LinkOptions plain() {
  LinkOptions options;
  options.impairment.delay_ns = 10 * transport::kMillisecond;
  return options;
}

}  // namespace

Link::Link() : Link(plain()) {}

Link::Link(const LinkOptions& options) : options_(options), impairment_(options.impairment) {}

bool Link::up_at(Time now) const {
  if (!up_) return false;
  return std::none_of(options_.outages.begin(), options_.outages.end(),
                      [now](const Outage& o) { return now >= o.from && now < o.until; });
}

Time Link::last_outage_end() const {
  Time last = 0;
  for (const Outage& outage : options_.outages) last = std::max(last, outage.until);
  return last;
}

void Link::on_dropped(Time now) { remember(now, true); }

void Link::remember(Time now, bool dropped) {
  constexpr int kMany = 3;  // as many as an idle session sends before it times out
  recent_ = static_cast<uint8_t>(recent_ << 1 | (dropped ? 1 : 0));
  if (std::popcount(recent_) >= kMany) last_dead_at_ = now;
}

net::ImpairmentDecision Link::pass(Time now, size_t size, Fate& fate) {
  if (!up_at(now)) {
    fate = Fate::kOutage;
    on_dropped(now);
    return {};
  }
  if (size > mtu_at(now)) {
    fate = Fate::kTooLong;
    // Only what every path has to carry is a sign that this one is dead.
    if (size <= wire::kMinDatagram) on_dropped(now);
    return {};
  }
  const net::ImpairmentDecision decision = impairment_.decide(now, size);
  fate = Fate::kCarried;
  if (decision.copies == 0) fate = Fate::kLost;
  if (decision.copies == 2) fate = Fate::kDuplicated;
  bool whole = false;
  for (int i = 0; i < decision.copies; i++) {
    if (decision.copy[i].corrupt_bit < 0) whole = true;
  }
  if (decision.copies != 0 && !whole) fate = Fate::kCorrupted;
  remember(now, !whole);
  return decision;
}

}  // namespace hawser::sim
