// What the tests of the engine share: hosts on the loopback interface, driven by hand.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "crypto/ed25519.h"
#include "engine/engine.h"
#include "engine/path.h"
#include "net/clock.h"
#include "wire/frames.h"

namespace hawser::engine::test {

// Far beyond what anything here takes; only a test that fails waits this long.
inline constexpr transport::Duration kPatience = 20 * transport::kSecond;

inline net::Address loopback(uint16_t port = 0) {
  net::Address address;
  EXPECT_TRUE(net::Address::parse("127.0.0.1", port, &address));
  return address;
}

inline std::array<uint8_t, crypto::kEd25519SeedBytes> identity_seed(uint8_t number) {
  return {number, 1};
}

inline wire::PeerIdBytes peer_id(uint8_t number) {
  crypto::Ed25519Key key;
  EXPECT_TRUE(key.init(identity_seed(number).data()));
  wire::PeerIdBytes id{};
  std::memcpy(id.bytes, key.public_key(), sizeof id.bytes);
  return id;
}

// Keeps what it takes, up to a number of messages.
class KeepingSink : public transport::MessageSink {
 public:
  bool take(transport::Channel&, uint64_t, const uint8_t* run, size_t length,
            uint32_t count) override {
    full = messages.size() >= limit;
    if (full) return false;
    const uint8_t* end = run + length;
    for (uint32_t i = 0; i < count; i++) {
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      messages.emplace_back(reinterpret_cast<const char*>(body), size);
    }
    EXPECT_EQ(run, end);
    return true;
  }

  std::vector<std::string> messages;
  size_t limit = SIZE_MAX;
  bool full = false;  // refused the last run
};

// An engine with one host, and the application on top of it: accepts every channel and wants its
// messages.
struct Node {
  explicit Node(uint8_t number)
      : seed(identity_seed(number)), id(peer_id(number)), engine(net::monotonic_now_ns(), 0) {
    EXPECT_EQ(engine.open(), 0);
  }
  ~Node() { let_go(); }

  void let_go() {
    MutexLock lock(engine.mutex());
    const transport::Time now = net::monotonic_now_ns();
    for (transport::Channel* one : channels) one->release(now);
    for (transport::Session* one : sessions) one->release();
    channels.clear();
    sessions.clear();
    if (host != nullptr) engine.destroy_host(host);
    host = nullptr;
  }

  // `change` may set what is special about the host.
  void bind(const std::function<void(HostOptions&)>& change = nullptr) {
    const net::Address at = loopback();
    HostOptions options;
    options.identity_seed = seed.data();
    options.addresses = &at;
    options.address_count = 1;
    if (change) change(options);
    HostError error;
    host = engine.create_host(options, &error);
    ASSERT_NE(host, nullptr) << strerror(error.error);
    host->endpoint().set_accepting(true);
  }

  net::Address address() const { return host->socket(0).local_address(); }

  transport::Session* connect(const Node& to) {
    MutexLock lock(engine.mutex());
    const transport::Time now = net::monotonic_now_ns();
    const transport::PathAddress path = to_path_address(to.address(), 0);
    transport::Session* session =
        host->endpoint().connect(now, to.id, &path, 1, now + 10 * transport::kSecond);
    if (session != nullptr) sessions.push_back(session);
    return session;
  }

  transport::Channel* open(transport::Session* session) {
    MutexLock lock(engine.mutex());
    static constexpr uint8_t kName[] = "test";
    transport::Channel* channel = session->open_channel(
        net::monotonic_now_ns(), transport::ChannelConfig{}, kName, 4, nullptr, 0);
    if (channel != nullptr) channels.push_back(channel);
    return channel;
  }

  void send(transport::Channel* channel, const std::string& text) {
    MutexLock lock(engine.mutex());
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    const transport::Channel::Push pushed = channel->push_locked(bytes, text.size());
    EXPECT_TRUE(pushed == transport::Channel::Push::kTaken ||
                pushed == transport::Channel::Push::kFull);
    channel->flush(net::monotonic_now_ns());
  }

  // One round of a driver.
  void step() {
    MutexLock lock(engine.mutex());
    const transport::Time now = net::monotonic_now_ns();
    engine.runtime().set_sink(&sink);
    engine.receive(now, 256 * 1024);
    take_events(now);
    engine.runtime().set_sink(nullptr);
    engine.run_timers(now);
    engine.transmit(now);
  }

  // The events alone, as the application's thread takes them from an engine that others drive.
  void take_events(transport::Time now) {
    while (Host* one = engine.next_report()) host_events |= one->take_events();
    while (transport::Session* session = engine.runtime().next_session()) {
      const uint32_t events = session->take_events();
      if (std::find(sessions.begin(), sessions.end(), session) == sessions.end()) {
        sessions.push_back(session);
      }
      if ((events & transport::kSessionOpen) != 0) opened++;
      if ((events & transport::kSessionClosed) != 0) closed++;
    }
    sink.full = false;
    // A channel that a full sink refused is offered again at once.
    while (transport::Channel* channel = sink.full ? nullptr : engine.runtime().next_channel()) {
      const uint32_t events = channel->take_events();
      channel_events |= events;
      if ((events & transport::kChannelIncoming) != 0) {
        channels.push_back(channel);
        channel->accept(now, transport::ChannelConfig{});
        channel->set_demand(now, transport::Demand::kContinuous);
      }
      if ((events & transport::kChannelReadable) != 0) channel->deliver(now);
    }
  }

  transport::Time next_timeout() {
    MutexLock lock(engine.mutex());
    return engine.next_timeout();
  }

  std::array<uint8_t, crypto::kEd25519SeedBytes> seed;
  wire::PeerIdBytes id;
  Engine engine;
  Host* host = nullptr;
  KeepingSink sink;
  std::vector<transport::Session*> sessions;
  std::vector<transport::Channel*> channels;
  uint32_t host_events = 0;
  uint32_t channel_events = 0;
  int opened = 0;
  int closed = 0;
};

// Drives the nodes until `done`. False: it did not come to that.
inline bool drive(const std::vector<Node*>& nodes, const std::function<bool()>& done) {
  const transport::Time deadline = net::monotonic_now_ns() + kPatience;
  while (!done()) {
    transport::Time next = deadline;
    for (Node* node : nodes) {
      node->step();
      next = std::min(next, node->next_timeout());
    }
    if (done()) return true;
    const transport::Time now = net::monotonic_now_ns();
    if (now >= deadline) return false;
    // Not longer than a millisecond: a look too many does no harm.
    const int wait = next > now + transport::kMillisecond ? 1 : 0;
    poll(nullptr, 0, wait);
  }
  return true;
}

inline std::string numbered(int i, size_t size) {
  std::string text(size, static_cast<char>('a' + i % 26));
  const std::string number = std::to_string(i) + ":";
  text.replace(0, std::min(number.size(), size), number, 0, std::min(number.size(), size));
  return text;
}

}  // namespace hawser::engine::test
