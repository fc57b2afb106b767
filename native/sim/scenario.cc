#include "sim/scenario.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "sim/extras.h"
#include "sim/luck.h"
#include "sim/network.h"
#include "sim/widths.h"
#include "sim/workload.h"

namespace hawser::sim {

using transport::Duration;
using transport::kMicrosecond;
using transport::kMillisecond;
using transport::kSecond;

namespace {

constexpr uint64_t kMessages = 5'000;
constexpr int kPathImpairments = kImpairments;

enum Feature : unsigned {
  kWindowOptions,
  kCounted,
  kFill,
  kDelivery,
  kExpiry,
  kPriority,
  kBursts,
  kReaders,
  kRefusals,
  kResets,
  kNoMemory,
  kChanges,
  kLimits,
  kMoves,
};

void impair(Luck& luck, int which, transport::Time now, LinkOptions& link) {
  net::ImpairmentOptions& options = link.impairment;
  switch (which) {
    case 0:
      options.loss = luck.part(1, 20);
      break;
    case 1:
      options.burst_enter = luck.part(1, 3);
      options.burst_leave = luck.part(20, 60);
      options.burst_loss = luck.part(50, 100);
      break;
    case 2:
      options.jitter_ns = luck.duration(100 * kMicrosecond, 20 * kMillisecond);
      break;
    case 3:
      options.reorder = luck.part(1, 15);
      break;
    case 4:
      options.duplicate = luck.part(1, 15);
      break;
    case 5:
      options.corrupt = luck.part(1, 8);
      break;
    case 6:
      options.rate_bytes_per_second = luck.between(100'000, 20'000'000);
      options.queue_bytes = luck.between(15'000, 300'000);
      break;
    default: {
      const transport::Time from = now + luck.duration(0, 3 * kSecond);
      link.outages.push_back({from, from + luck.duration(50 * kMillisecond, 4 * kSecond)});
      break;
    }
  }
}

// At least three impairments besides the delay.
LinkOptions make_link(Luck& luck, transport::Time now, const Reduction& reduction,
                      uint64_t& impairments) {
  LinkOptions link;
  link.impairment.delay_ns = luck.duration(0, 60 * kMillisecond);
  uint32_t chosen = 0;
  const uint64_t wanted = luck.between(3, 5);
  for (uint64_t count = 0; count < wanted;) {
    const int which = static_cast<int>(luck.between(0, kPathImpairments - 1));
    if ((chosen >> which & 1) != 0) continue;
    chosen |= 1u << which;
    // The dice fall as they would without the reduction.
    LinkOptions unused;
    const bool kept = (reduction.impairments >> which & 1) != 0;
    impair(luck, which, now, kept ? link : unused);
    count++;
  }
  impairments = std::max(impairments, wanted);
  return link;
}

transport::EndpointConfig make_endpoint(Luck& luck, uint64_t first_sequence) {
  transport::EndpointConfig config;
  config.first_sequence = first_sequence;
  static constexpr uint32_t kDatagrams[] = {1200, 1200, 1452, 4000, 16'000};
  config.path_datagram = kDatagrams[luck.between(0, 4)];
  config.initial_credit = static_cast<uint32_t>(luck.between(4096, 65'536));
  config.max_credit = static_cast<uint32_t>(luck.between(65'536, 512u << 10));
  config.max_ack_delay = luck.duration(kMillisecond, 25 * kMillisecond);
  return config;
}

void choose_sizes(Luck& luck, SidePlan& side, uint64_t& left) {
  switch (luck.between(0, 9)) {
    case 0:
      side.sizes = {SizeProfile::kPacket, 0};
      side.messages = luck.between(1, 60);
      break;
    case 1:
      side.sizes = {SizeProfile::kLarge, static_cast<uint32_t>(luck.between(2'000, 120'000))};
      side.messages = luck.between(1, 6);
      break;
    case 2:
    case 3:
      side.sizes = {SizeProfile::kMixed, static_cast<uint32_t>(luck.between(2'000, 20'000))};
      side.messages = std::min<uint64_t>(luck.between(0, 600), left);
      break;
    case 4:
      side.messages = 0;
      break;
    case 5:
    case 6:
      side.sizes = {SizeProfile::kSmall, 0};
      side.messages = std::min<uint64_t>(luck.between(0, 1'200), left);
      break;
    default:
      side.sizes = {SizeProfile::kTiny, 0};
      side.messages = std::min<uint64_t>(luck.between(0, 2'000), left);
      break;
  }
  left -= std::min(left, side.messages);
}

// The modes of the claims.
void choose_window(Luck& luck, transport::ChannelConfig& config) {
  if (config.window == 0 && luck.one_in(4)) {
    config.window_minimum = static_cast<uint32_t>(luck.between(2, 32));
    if (luck.one_in(2)) config.window_maximum = config.window_minimum * 8;
  }
  config.counted = luck.one_in(4);
  config.resend_all = config.counted && luck.one_in(4);
  config.fill = luck.one_in(6);
  if (luck.one_in(8)) config.resend_timeout = luck.duration(50 * kMillisecond, kSecond);
  if (config.fill && luck.one_in(2)) {
    config.flush_after = luck.duration(kMillisecond, 50 * kMillisecond);
  }
  if (luck.one_in(4)) {
    config.priority = static_cast<uint8_t>(luck.between(0, 7));
    config.weight = static_cast<uint16_t>(luck.between(1, 256));
  }
}

void choose_delivery(Luck& luck, transport::ChannelConfig& config) {
  static constexpr wire::Delivery kOthers[] = {wire::Delivery::kUnordered, wire::Delivery::kLatest,
                                               wire::Delivery::kUnreliable};
  if (luck.one_in(5)) config.delivery = kOthers[luck.between(0, 2)];
  if (luck.one_in(10)) config.expires_after = luck.duration(20 * kMillisecond, kSecond);
}

void choose_side(Luck& luck, SidePlan& side, uint64_t& left) {
  choose_sizes(luck, side, left);
  if (luck.one_in(2)) {
    side.burst = static_cast<uint32_t>(luck.between(1, 200));
    side.gap = luck.duration(kMillisecond, 20 * kMillisecond);
    // A slow writer of many messages would only make the run long.
    side.burst = std::max(side.burst, static_cast<uint32_t>(side.messages / 100));
  }
  switch (luck.between(0, 5)) {
    case 0:
      side.reader = Reader::kOnce;
      side.pause = luck.one_in(2) ? 0 : luck.duration(kMillisecond, 10 * kMillisecond);
      break;
    case 1:
      side.reader = Reader::kPausing;
      side.pause = luck.duration(kMillisecond, 100 * kMillisecond);
      break;
    default:
      break;
  }
  if (luck.one_in(3)) side.refusal = luck.part(1, 30);
  transport::ChannelConfig& config = side.config;
  config.max_message = 256u << 10;
  if (luck.one_in(2)) {
    config.window = static_cast<uint32_t>(luck.between(2, luck.one_in(2) ? 16 : 2'000));
    if (luck.one_in(2)) config.ack_every = static_cast<uint32_t>(luck.between(1, config.window));
  }
  if (luck.one_in(3)) config.ack_timeout = luck.duration(kMillisecond, 50 * kMillisecond);
  choose_window(luck, config);
  choose_delivery(luck, config);
  config.high_water_mark = luck.between(1'000, 128u << 10);
  config.max_buffered = 4 * config.high_water_mark;
}

// What a tiny window over a long path would take for ever.
void limit_slow(SidePlan& side) {
  if (side.config.window == 0 || side.config.window > 16) return;
  side.messages = std::min<uint64_t>(side.messages, 20 * side.config.window);
}

// Takes out of a plan what the reduction leaves out.
void reduce(const Reduction& reduction, uint64_t index, ChannelPlan& plan) {
  const auto drops = [&](Feature feature) { return (reduction.features >> feature & 1) == 0; };
  const transport::ChannelConfig plain;
  for (SidePlan& side : plan.side) {
    transport::ChannelConfig& config = side.config;
    side.messages /= reduction.divisor;
    if (index < 32 && (reduction.channels >> index & 1) == 0) side.messages = 0;
    if (drops(kWindowOptions)) {
      config.window = config.ack_every = config.window_minimum = config.window_maximum = 0;
      config.ack_timeout = config.resend_timeout = 0;
    }
    if (drops(kCounted)) config.counted = config.resend_all = false;
    if (drops(kFill)) config.fill = false;
    if (drops(kDelivery)) config.delivery = plain.delivery;
    if (drops(kExpiry)) config.expires_after = 0;
    if (drops(kPriority)) {
      config.priority = plain.priority;
      config.weight = plain.weight;
    }
    if (drops(kBursts)) side.burst = 0;
    if (drops(kReaders)) side.reader = Reader::kContinuous;
    if (drops(kRefusals)) side.refusal = 0;
    if (drops(kResets)) side.reset_after = UINT64_MAX;
    if (drops(kLimits)) {
      config.high_water_mark = plain.high_water_mark;
      config.max_buffered = plain.max_buffered;
    }
  }
  if (drops(kResets)) plan.refuse = false;
}

// Memory fails now and then at one peer.
void starve(Luck& luck, SimNetwork& network, Workload& workload) {
  workload.allow_failure(true);
  const int victim =
      static_cast<int>(luck.between(0, static_cast<uint64_t>(network.peer_count() - 1)));
  SimMemory& memory = network.peer(victim).memory();
  if (luck.one_in(2)) {
    memory.set_failure_chance(luck.part(0, 10));
  } else {
    memory.fail_after(luck.between(0, 400), luck.between(1, 15));
  }
}

// Keys are renewed many times in a run. Now and then nothing is protected, so that a trace of bytes
// can be read as well.
void protect(Luck& luck, SimNetwork& network) {
  crypto::ProtectionLimits limits;
  if (!luck.one_in(4)) limits.update_after = luck.between(20, 3'000);
  if (luck.one_in(16)) return;
  network.set_protection(luck.one_in(4) ? Protection::kChaCha20Poly1305 : Protection::kAes256Gcm,
                         limits);
  if (luck.one_in(2)) network.set_longest_computation(luck.duration(1, 30 * kMillisecond));
}

void vary_keys(Luck& luck, transport::EndpointConfig& config) {
  if (!luck.one_in(3)) config.renew_after = luck.duration(10 * kMillisecond, 3 * kSecond);
  config.answer_renewals_every = kMillisecond;
  if (luck.one_in(2)) config.skip_every = static_cast<uint32_t>(luck.between(2, 500));
  if (luck.one_in(3)) config.cookies_above = static_cast<uint32_t>(luck.between(0, 2));
}

// Peers get other addresses, at any time and one shortly after the other.
void add_moves(Luck& luck, transport::Time now, SessionPlan& plan) {
  const uint64_t count = luck.one_in(2) ? luck.between(1, 6) : 0;
  for (uint64_t i = 0; i < count; i++) {
    MovePlan move;
    move.at = now + luck.duration(kMillisecond, luck.one_in(2) ? kSecond : 5 * kSecond);
    move.initiator = luck.one_in(2);
    move.old_works = luck.one_in(4);
    plan.moves.push_back(move);
  }
}

}  // namespace

SeedResult run_seed(uint64_t seed, bool trace, const Reduction& reduction) {
  Luck luck(seed);
  Luck more(seed, 0x6578747261);
  Luck extreme(seed, 0x65787472656d65);
  Luck keys(seed, 0x6b657973);
  Luck moves(seed, 0x6d6f766573);
  Luck widths_luck(seed, 0x6d7475);
  const Widths widths = choose_widths(widths_luck);
  Luck congestion(seed, 0x636f6e67);
  SimNetwork network(seed);
  protect(keys, network);
  network.set_trace(trace);
  Workload workload(network);
  SeedResult result;

  const auto keeps = [&](Feature feature) { return (reduction.features >> feature & 1) != 0; };
  int peers = luck.one_in(3) ? 3 : 2;
  if (luck.one_in(20)) peers = static_cast<int>(luck.between(4, 6));
  // Now and then the low 32 bits of the sequence wrap on the way.
  const uint64_t first = luck.one_in(4) ? (uint64_t{1} << 32) - luck.between(0, 300) : uint64_t{1};
  for (int i = 0; i < peers; i++) {
    transport::EndpointConfig config = make_endpoint(luck, first);
    vary_endpoint(more, i, config);
    vary_keys(keys, config);
    vary_widths(widths_luck, widths, config);
    transport::EndpointConfig plain;
    plain.first_sequence = first;
    if (!congestion.one_in(2)) {
      config.congestion = plain.congestion = transport::CongestionAlgorithm::kCubic;
    }
    network.add_peer(keeps(kLimits) ? config : plain);
  }
  // Something that sessions do not survive.
  const bool changes = luck.one_in(25) && keeps(kChanges);
  std::vector<int> sessions;
  for (int i = 1; i < peers; i++) {
    LinkOptions link = make_link(luck, network.now(), reduction, result.impairments);
    const bool both_move = luck.one_in(2);
    const transport::Time when = network.now() + luck.duration(kMillisecond, 3 * kSecond);
    if (changes && !both_move) {
      link.mtu_changes_at = when;
      link.mtu_later = luck.between(200, 1'000);
      network.break_path(0, i);
    }
    if (keeps(kLimits)) vary_link(widths_luck, widths, network.now(), link);
    network.set_links(0, i, link);
    SessionPlan plan;
    plan.initiator = luck.one_in(2) ? 0 : i;
    plan.responder = plan.initiator == 0 ? i : 0;
    plan.connect_at = network.now();
    plan.closed_by_initiator = luck.one_in(2);
    if (changes && both_move) plan.both_move_at = when;
    add_moves(moves, network.now(), plan);
    if (!keeps(kMoves)) plan.moves.clear();
    sessions.push_back(workload.add_session(plan));
  }
  const bool starved = luck.one_in(10);

  uint64_t left = kMessages;
  std::vector<ChannelPlan> plans;
  // Each session has one at least.
  const uint64_t channels = std::max<uint64_t>(luck.between(3, 6), sessions.size());
  for (uint64_t i = 0; i < channels; i++) {
    ChannelPlan plan;
    plan.session = sessions[i % sessions.size()];
    plan.opened_by_initiator = luck.one_in(2);
    plan.open_at = network.now() + (luck.one_in(2) ? 1 : luck.duration(1, kSecond));
    for (SidePlan& side : plan.side) {
      choose_side(luck, side, left);
      const uint64_t before = side.messages;
      limit_slow(side);
      left += before - side.messages;
    }
    if (luck.one_in(12)) {
      plan.side[luck.between(0, 1)].reset_after = luck.between(1, 200);
    } else if (luck.one_in(40)) {
      plan.refuse = true;
    }
    plans.push_back(plan);
  }
  add_extremes(extreme, plans);
  // What the dice left over goes to the first channel, which stays whole.
  plans[0].refuse = false;
  plans[0].side[0].reset_after = plans[0].side[1].reset_after = UINT64_MAX;
  plans[0].side[0].sizes = {luck.one_in(2) ? SizeProfile::kTiny : SizeProfile::kSmall, 0};
  plans[0].side[0].config.window = plans[0].side[0].config.ack_every = 0;
  plans[0].side[0].config.delivery = wire::Delivery::kOrdered;
  plans[0].side[0].config.expires_after = 0;
  uint64_t sure = 0;
  for (const ChannelPlan& plan : plans) {
    const bool cut_short = plan.refuse || plan.side[0].reset_after != UINT64_MAX ||
                           plan.side[1].reset_after != UINT64_MAX;
    for (const SidePlan& side : plan.side) {
      const bool whole =
          side.config.expires_after == 0 && side.config.delivery <= wire::Delivery::kUnordered;
      if (!cut_short && whole) sure += side.messages;
    }
  }
  plans[0].side[0].messages += kMessages - std::min(kMessages, sure);
  plans[0].side[0].burst = plans[0].side[0].burst == 0 ? 0 : 200;
  add_short_channels(more, sessions, network.now(), plans);
  if (const int deaf = add_deaf_peer(more, network, workload); deaf >= 0) {
    plans.push_back(ChannelPlan{});
    plans.back().session = deaf;
    plans.back().side[0].messages = 10;
  }
  add_noise(more, network);
  uint64_t index = 0;
  for (ChannelPlan& plan : plans) {
    reduce(reduction, index++, plan);
    workload.add_channel(plan);
  }
  for (int i = 0; i < network.peer_count(); i++) {
    network.peer(i).set_memory_bound(workload.idle_bytes(i),
                                     [&workload, i] { return workload.held_bytes(i); });
  }
  if (changes) workload.allow_failure(true);
  if (starved && keeps(kNoMemory)) starve(luck, network, workload);
  if (more.one_in(8) && !changes) {
    workload.lie_at(network.now() + more.duration(0, 4 * kSecond), more.between(0, UINT32_MAX));
  }

  const transport::Time began = network.now();
  // Keep-alives put probes off, so bad luck may last for a few of them.
  if (!workload.run(180 * kSecond) && trace) std::fputs(workload.unfinished().c_str(), stdout);
  result.simulated = network.now() - began;
  // Some are taken away in the middle of closing.
  const bool patient = !more.one_in(4);
  for (int i = 0; i < network.peer_count() && patient && !network.failed(); i++) {
    if (network.peer(i).endpoint().session_count() != 0) {
      // Half-open ones left by a repeated INIT, and those that still answer with CLOSE.
      network.run_for(60 * kSecond);
    }
  }
  for (int i = 0; i < network.peer_count() && !network.failed(); i++) {
    if (patient && network.peer(i).endpoint().session_count() != 0) {
      network.fail("peer %d still has %zu sessions a minute after the last was closed", i,
                   network.peer(i).endpoint().session_count());
    }
    network.peer(i).destroy();
  }
  result.failure = network.failure();
  result.hash = network.hash();
  result.messages = workload.delivered();
  result.datagrams = network.datagrams();
  result.channels = channels;
  // A path that the plan breaks is not bad luck.
  result.dead_paths = changes ? 0 : workload.dead_paths();
  result.moves = workload.moves();
  return result;
}

}  // namespace hawser::sim
