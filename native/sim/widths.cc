#include "sim/widths.h"

#include <iterator>

#include "wire/limits.h"

namespace hawser::sim {

using transport::kMillisecond;
using transport::kSecond;

namespace {

constexpr uint32_t kMtus[] = {1'200, 1'232, 1'452, 1'472, 8'972, 65'535};

uint32_t any_mtu(Luck& luck) {
  if (luck.one_in(4)) return static_cast<uint32_t>(luck.between(1'200, 20'000));
  return kMtus[luck.between(0, std::size(kMtus) - 1)];
}

}  // namespace

Widths choose_widths(Luck& luck) {
  static constexpr uint32_t kUpperBounds[] = {1'472, 9'000, 16'376, 65'507};
  Widths widths;
  widths.searched = !luck.one_in(4);
  widths.limit = kUpperBounds[luck.between(0, std::size(kUpperBounds) - 1)];
  return widths;
}

void vary_widths(Luck& luck, const Widths& widths, transport::EndpointConfig& config) {
  const bool smaller_reader = luck.one_in(6);
  const auto taken = static_cast<uint32_t>(luck.between(1'200, 20'000));
  if (!widths.searched) return;
  config.path_datagram = static_cast<uint32_t>(wire::kMinDatagram);
  config.path_datagram_limit = widths.limit;
  if (smaller_reader) config.max_datagram = taken;
}

void vary_link(Luck& luck, const Widths& widths, transport::Time now, LinkOptions& link) {
  const uint32_t mtu = any_mtu(luck);
  const uint32_t later = any_mtu(luck);
  const transport::Time when = now + luck.duration(kMillisecond, 3 * kSecond);
  const bool changes = luck.one_in(2);
  const bool refuses = luck.one_in(3);
  if (!widths.searched || link.mtu_changes_at != transport::kNever) return;
  link.mtu = mtu;
  link.refuses = refuses;
  if (!changes) return;
  link.mtu_changes_at = when;
  link.mtu_later = later;
}

}  // namespace hawser::sim
