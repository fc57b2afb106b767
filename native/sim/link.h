#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/impairment.h"
#include "sim/wire_view.h"
#include "transport/time.h"

namespace hawser::sim {

// A time in which a link carries nothing.
struct Outage {
  transport::Time from;
  transport::Time until;
};

struct LinkOptions {
  net::ImpairmentOptions impairment;
  // Longer datagrams vanish.
  size_t mtu = 65'535;
  // From then on, another one.
  transport::Time mtu_changes_at = transport::kNever;
  size_t mtu_later = 65'535;
  // The MTU is that of the sender's interface: longer datagrams never leave, and it is told so.
  bool refuses = false;
  std::vector<Outage> outages;
};

// One direction between two peers.
class Link {
 public:
  // Carries everything after 10 ms.
  Link();
  explicit Link(const LinkOptions& options);

  // Off: everything that enters from now on vanishes.
  void set_up(bool up) { up_ = up; }
  bool up_at(transport::Time now) const;
  // When the last outage has ended, as far as it is known; 0 without any.
  transport::Time last_outage_end() const;
  // What the sender's own interface does not take.
  bool refuses(transport::Time now, size_t size) const {
    return options_.refuses && size > mtu_at(now);
  }
  net::ImpairmentDecision pass(transport::Time now, size_t size, Fate& fate);
  const net::ImpairmentCounters& counters() const { return impairment_.counters(); }
  // When several of the last eight datagrams had not got through (whole); 0: never.
  transport::Time last_dead_at() const { return last_dead_at_; }
  void on_dropped(transport::Time now);

 private:
  void remember(transport::Time now, bool dropped);
  size_t mtu_at(transport::Time now) const {
    return now < options_.mtu_changes_at ? options_.mtu : options_.mtu_later;
  }

  LinkOptions options_;
  net::Impairment impairment_;
  bool up_ = true;
  uint8_t recent_ = 0;  // a bit for each of the last eight datagrams: lost
  transport::Time last_dead_at_ = 0;
};

}  // namespace hawser::sim
