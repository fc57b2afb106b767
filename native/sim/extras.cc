#include "sim/extras.h"

#include <algorithm>

#include "wire/endian.h"

namespace hawser::sim {

using transport::kMillisecond;
using transport::kSecond;

void vary_endpoint(Luck& luck, int index, transport::EndpointConfig& config) {
  if (luck.one_in(4)) config.max_channels = static_cast<uint32_t>(luck.between(2, 6));
  // The first one's timeout is what the workload goes by, so the others may only be longer.
  static constexpr uint32_t kTimeouts[] = {30'000, 30'000, 40'000, 0};
  const uint32_t timeout = kTimeouts[luck.between(0, 3)];
  if (index != 0) config.idle_timeout_ms = timeout;
}

void add_short_channels(Luck& luck, const std::vector<int>& sessions, transport::Time now,
                        std::vector<ChannelPlan>& plans) {
  const uint64_t count = luck.one_in(5) ? luck.between(5, 60) : 0;
  for (uint64_t i = 0; i < count; i++) {
    ChannelPlan plan;
    plan.session = sessions[luck.between(0, sessions.size() - 1)];
    plan.opened_by_initiator = luck.one_in(2);
    plan.open_at = now + luck.duration(1, 2 * kSecond);
    for (SidePlan& side : plan.side) {
      side.sizes = {SizeProfile::kTiny, 0};
      side.messages = luck.between(0, 4);
      side.config.max_message = 1'000;
    }
    plan.refuse = luck.one_in(20);
    if (luck.one_in(20)) plan.side[luck.between(0, 1)].reset_after = 1;
    plans.push_back(plan);
  }
  if (!luck.one_in(8)) return;
  ChannelPlan idle;
  idle.session = sessions[0];
  idle.open_at = now + 1;
  for (SidePlan& side : idle.side) {
    side.messages = luck.between(0, 20);
    side.finish = Finish::kStay;
    side.config.max_message = 1'000;
  }
  idle.side[luck.between(0, 1)].config.idle_timeout = luck.duration(kSecond, 4 * kSecond);
  plans.push_back(idle);
}

void add_extremes(Luck& luck, std::vector<ChannelPlan>& plans) {
  const auto any = [&]() -> ChannelPlan& { return plans[luck.between(1, plans.size() - 1)]; };
  if (luck.one_in(8)) {
    SidePlan& side = any().side[luck.between(0, 1)];
    side.config.ack_timeout = luck.duration(50 * kMillisecond, 2 * kSecond);
    // Each window may wait for it.
    const uint64_t window = std::max(side.config.window, 2u);
    side.messages = std::min(side.messages, 20 * window);
  }
  if (luck.one_in(8)) {
    ChannelPlan& plan = any();
    for (SidePlan& side : plan.side) side.config.max_message = 1u << 20;
    SidePlan& side = plan.side[luck.between(0, 1)];
    side.sizes = {SizeProfile::kLarge, static_cast<uint32_t>(luck.between(120'000, 1u << 20))};
    side.messages = luck.between(1, 3);
  }
}

int add_deaf_peer(Luck& luck, SimNetwork& network, Workload& workload) {
  if (!luck.one_in(8)) return -1;
  SimPeer& deaf = network.add_peer(network.peer(0).config());
  deaf.endpoint().set_accepting(false);
  SessionPlan plan;
  plan.initiator = 0;
  plan.responder = deaf.index();
  plan.connect_at = network.now();
  plan.give_up_after = luck.duration(100 * kMillisecond, 4 * kSecond);
  return workload.add_session(plan);
}

void add_noise(Luck& luck, SimNetwork& network) {
  const uint64_t count = luck.one_in(4) ? luck.between(5, 40) : 0;
  std::vector<uint8_t> bytes(wire::kInitBytes);
  for (uint64_t i = 0; i < count; i++) {
    const int to =
        static_cast<int>(luck.between(0, static_cast<uint64_t>(network.peer_count() - 1)));
    static constexpr uint8_t kFirst[] = {0x80, 0x90, 0xa0, 0xc5, 0x00};
    size_t length = luck.between(1, bytes.size());
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(luck.between(0, 255));
    bytes[0] = kFirst[luck.between(0, 4)];
    if (luck.one_in(3)) {
      // An INIT that is right but for whom it is meant, or who says to have sent it.
      wire::InitHeader header;
      wire::store_u64(header.source.bytes, luck.between(1, UINT64_MAX / 2));
      wire::write_init_header(bytes.data(), header);
      uint8_t key[crypto::SipHash::kKeyBytes];
      (void)network.peer(to).endpoint().security().mac_key(
          luck.one_in(3) ? SimPeer::id_of(1'001) : network.peer(to).id(), key);
      transport::InitGuard::sign_mac1(key, bytes.data());
      length = bytes.size();
    }
    // Nobody's address: what is answered goes nowhere.
    transport::PathAddress from;
    from.bytes[0] = 0x53;
    from.bytes[1] = static_cast<uint8_t>(i);
    network.inject(network.now() + luck.duration(0, 3 * kSecond), from, to, bytes.data(), length);
  }
}

}  // namespace hawser::sim
