#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/network.h"
#include "sim/raw_peer.h"
#include "sim/workload.h"
#include "wire/frames.h"

// What the tests with simulated peers share.
namespace hawser::sim {

using transport::Channel;
using transport::ChannelConfig;
using transport::ClosedBy;
using transport::CloseReason;
using transport::Demand;
using transport::Duration;
using transport::EndpointConfig;
using transport::kMicrosecond;
using transport::kMillisecond;
using transport::kSecond;
using transport::Session;
using transport::Time;

// An application that does little by itself and remembers what it was told.
class RecordingApp : public Application {
 public:
  virtual ~RecordingApp() = default;
  struct Seen {
    uint32_t events = 0;
    uint64_t messages = 0;
    std::vector<std::vector<uint8_t>> bodies;
    CloseReason reason;
  };

  // What to do with channels that come in.
  bool accept = true;
  bool ignore = false;  // answer nothing
  wire::Code refuse_code = wire::Code::kServiceUnknown;
  ChannelConfig config;
  Demand demand = Demand::kContinuous;
  bool keep_bodies = false;

  std::vector<Session*> opened;  // in the order of their events
  std::vector<CloseReason> sessions_closed;
  std::vector<Time> sessions_closed_at;
  std::vector<Channel*> incoming;
  std::vector<CloseReason> channels_closed;
  // By channel; a channel that is gone keeps its entry until its place is used again.
  std::unordered_map<const Channel*, Seen> seen;

  uint64_t messages = 0;
  // Events of channels that came in without kChannelIncoming.
  uint64_t unannounced = 0;

  void on_session(SimPeer& peer, Session& session, uint32_t events) override {
    if ((events & transport::kSessionOpen) != 0) opened.push_back(&session);
    if ((events & transport::kSessionClosed) != 0) {
      sessions_closed.push_back(session.reason());
      sessions_closed_at.push_back(peer.network().now());
      session.release();
    }
  }

  void on_channel(SimPeer& peer, Channel& channel, uint32_t events) override {
    const Time now = peer.network().now();
    if ((events & transport::kChannelIncoming) != 0) {
      seen[&channel] = Seen{};
      incoming.push_back(&channel);
      if (accept) {
        channel.accept(now, config);
        channel.set_demand(now, demand);
      } else if (!ignore) {
        channel.refuse(now, refuse_code, "no", 2);
      }
    }
    if (channel.incoming() && seen.count(&channel) == 0) unannounced++;
    Seen& record = seen[&channel];
    record.events |= events;
    if ((events & transport::kChannelReadable) != 0) peer.deliver(channel);
    if ((events & transport::kChannelClosed) != 0) {
      record.reason = channel.reason();
      channels_closed.push_back(channel.reason());
      channel.release(now);
    }
  }

  bool take(SimPeer&, Channel& channel, uint64_t, const uint8_t* run, size_t length,
            uint32_t count) override {
    Seen& record = seen[&channel];
    record.messages += count;
    messages += count;
    if (!keep_bodies) return true;
    for (const uint8_t* const end = run + length; run != end;) {
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      record.bodies.emplace_back(body, body + size);
    }
    return true;
  }

  void on_timer(SimPeer&, uint64_t) override {}
  void after_batch(SimPeer&) override {}
};

// Pushes `count` messages of `length` bytes and lets them go. Returns how many were taken.
inline uint64_t push(SimPeer& peer, Channel& channel, uint64_t count, size_t length) {
  const std::vector<uint8_t> body(length, 0x61);
  uint64_t taken = 0;
  for (; taken < count; taken++) {
    Channel::Push result = channel.push(body.data(), length);
    if (result == Channel::Push::kNoRoom) result = channel.push_locked(body.data(), length);
    if (result != Channel::Push::kTaken && result != Channel::Push::kFull) break;
  }
  channel.flush(peer.network().now());
  return taken;
}

inline Channel* open_channel(SimPeer& peer, Session& session, const ChannelConfig& config = {},
                             const std::string& service = "test",
                             const std::string& metadata = "") {
  return session.open_channel(peer.network().now(), config,
                              reinterpret_cast<const uint8_t*>(service.data()), service.size(),
                              reinterpret_cast<const uint8_t*>(metadata.data()), metadata.size());
}

// Two peers, a path between them, and the recording application.
class TwoPeers : public testing::Test {
 protected:
  TwoPeers() {
    network_.set_application(&app_);
    network_.set_capture(true);
  }

  void TearDown() override {
    EXPECT_EQ(network_.failure(), "");
    for (int i = 0; i < network_.peer_count(); i++) {
      if (network_.peer(i).alive()) network_.peer(i).destroy();
    }
    EXPECT_EQ(network_.failure(), "");
  }

  void add_peers(const EndpointConfig& config = {}) {
    a_ = &network_.add_peer(config);
    b_ = &network_.add_peer(config);
  }
  void set_path(const net::ImpairmentOptions& impairment) {
    LinkOptions options;
    options.impairment = impairment;
    network_.set_links(0, 1, options);
  }
  // a connects to b.
  Session* connect(Duration give_up_after = 10 * kSecond) {
    Session* session = a_->connect(1, give_up_after);
    EXPECT_TRUE(network_.run_until([&] { return app_.opened.size() >= 2; }, give_up_after));
    return session;
  }
  // a opens a channel that b accepts; the other end is other().
  Channel* open(Session& session, const ChannelConfig& config = {}) {
    const size_t before = app_.incoming.size();
    Channel* channel = open_channel(*a_, session, config);
    EXPECT_TRUE(network_.run_until([&] { return channel->accepted(); }, 20 * kSecond));
    EXPECT_EQ(app_.incoming.size(), before + 1);
    channel->set_demand(network_.now(), Demand::kContinuous);
    return channel;
  }
  Channel* other() { return app_.incoming.back(); }

  // Datagrams from `from` since the capture began that carry a frame of this type.
  size_t count_frames(int from, wire::FrameType type) {
    size_t found = 0;
    for (const Captured& captured : network_.capture()) {
      if (captured.from != from) continue;
      each_frame(captured.view(), [&](const wire::Frame& frame) { found += frame.type() == type; });
    }
    return found;
  }

  SimNetwork network_{1};
  RecordingApp app_;
  SimPeer* a_ = nullptr;
  SimPeer* b_ = nullptr;
};

// Runs a workload to its end and checks that nothing is left.
inline void expect_clean_run(SimNetwork& network, Workload& workload) {
  EXPECT_TRUE(workload.run()) << workload.unfinished();
  // What closes still answers for a while.
  if (!network.failed()) network.run_for(20 * kSecond);
  for (int i = 0; i < network.peer_count(); i++) {
    EXPECT_EQ(network.peer(i).endpoint().session_count(), 0u);
    network.peer(i).destroy();
  }
  EXPECT_EQ(network.failure(), "");
}

}  // namespace hawser::sim
