// A peer with several engines, for tests: one node a member, driven by hand or by threads.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "engine/host_group.h"
#include "engine_support.h"

namespace hawser::engine::test {

struct Group {
  // `steered`: the kernel knows which member a datagram is for.
  Group(uint8_t number, uint32_t members, bool steered,
        const std::function<void(HostOptions&)>& change = nullptr)
      : group(members) {
    for (uint32_t i = 0; i < members; i++) {
      wakers.push_back(std::make_unique<IdleWaker>());
      nodes.push_back(std::make_unique<Node>(number));
      group.set_waker(i, wakers.back().get());
      const net::Address at = i == 0 ? loopback() : nodes[0]->address();
      nodes[i]->bind([&](HostOptions& options) {
        options.group = &group;
        options.member = i;
        options.endpoint.shared = &group.shared();
        options.addresses = &at;
        options.sockets.reuse_port = i > 0 || !net::UdpSocket::kSharesPortLater;
        if (change) change(options);
      });
      if (i == 0 && net::UdpSocket::kSharesPortLater) {
        EXPECT_EQ(nodes[0]->host->share_ports(), 0);
      }
    }
    if (steered) {
      EXPECT_EQ(nodes[0]->host->steer(), 0);
    }
    group.set_passing();
  }

  Node& operator[](size_t i) { return *nodes[i]; }
  size_t size() const { return nodes.size(); }

  std::vector<Node*> all() const {
    std::vector<Node*> list;
    for (const auto& node : nodes) list.push_back(node.get());
    return list;
  }
  std::vector<Node*> and_others(std::vector<Node*> others) const {
    const std::vector<Node*> members = all();
    others.insert(others.end(), members.begin(), members.end());
    return others;
  }

  int opened() const {
    int sum = 0;
    for (const auto& node : nodes) sum += node->opened;
    return sum;
  }
  int closed() const {
    int sum = 0;
    for (const auto& node : nodes) sum += node->closed;
    return sum;
  }
  // Members that have a session.
  size_t used() const {
    size_t count = 0;
    for (const auto& node : nodes) count += node->opened > 0 ? 1 : 0;
    return count;
  }
  uint64_t handed_over() const {
    uint64_t sum = 0;
    for (const auto& node : nodes) sum += node->host->handed_over();
    return sum;
  }
  uint64_t sum(uint64_t transport::EndpointCounters::*counter) const {
    uint64_t sum = 0;
    for (const auto& node : nodes) sum += node->host->endpoint().counters().*counter;
    return sum;
  }

  // Members that are driven by hand look anyway.
  struct IdleWaker final : Waker {
    void wake() override {}
  };

  // Outlives the hosts in it.
  HostGroup group;
  std::vector<std::unique_ptr<IdleWaker>> wakers;
  std::vector<std::unique_ptr<Node>> nodes;
};

}  // namespace hawser::engine::test
