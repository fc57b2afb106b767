// Hosts and the set of their sockets.

#include <dirent.h>

#include <cerrno>

#include "engine_support.h"

namespace hawser::engine {
namespace {

using test::loopback;
using test::Node;

size_t open_descriptors() {
  size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  while (readdir(directory) != nullptr) count++;
  closedir(directory);
  return count;
}

Host* create(Engine& engine, const std::vector<net::Address>& addresses, HostError* error) {
  HostOptions options;
  const auto seed = test::identity_seed(1);
  options.identity_seed = seed.data();
  options.addresses = addresses.data();
  options.address_count = addresses.size();
  return engine.create_host(options, error);
}

std::vector<net::Address> parse_all(const std::vector<std::string>& texts) {
  std::vector<net::Address> out;
  for (const std::string& text : texts) {
    net::Address address;
    EXPECT_TRUE(net::Address::parse(text, 0, &address)) << text;
    out.push_back(address);
  }
  return out;
}

TEST(EngineHost, BindsEverySocket) {
  Engine engine(net::monotonic_now_ns(), 0);
  ASSERT_EQ(engine.open(), 0);
  HostError error;
  Host* host = create(engine, parse_all({"127.0.0.1", "127.0.0.1"}), &error);
  ASSERT_NE(host, nullptr);
  ASSERT_EQ(host->socket_count(), 2u);
  EXPECT_NE(host->socket(0).local_address().port, 0);
  EXPECT_NE(host->socket(0).local_address().port, host->socket(1).local_address().port);
  EXPECT_EQ(engine.host_count(), 1u);
}

TEST(EngineHost, SaysWhichSocketFailedAndLeavesNothingOpen) {
  Engine engine(net::monotonic_now_ns(), 0);
  ASSERT_EQ(engine.open(), 0);
  HostError error;
  Host* first = create(engine, {loopback()}, &error);
  ASSERT_NE(first, nullptr);
  const size_t descriptors = open_descriptors();
  const size_t memory = engine.memory().in_use();

  const std::vector<net::Address> taken = {loopback(), loopback(), first->socket(0).local_address(),
                                           loopback()};
  EXPECT_EQ(create(engine, taken, &error), nullptr);
  EXPECT_EQ(error.socket, 2u);
  EXPECT_EQ(error.error, EADDRINUSE);
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(engine.memory().in_use(), memory);
  EXPECT_EQ(engine.host_count(), 1u);
}

TEST(EngineHost, ReportsMissingMemory) {
  Engine engine(net::monotonic_now_ns(), SendQueue::kBufferBytes + 500);
  ASSERT_EQ(engine.open(), 0);
  HostError error;
  EXPECT_EQ(create(engine, {loopback()}, &error), nullptr);
  EXPECT_EQ(error.error, ENOMEM);
}

TEST(EngineHost, DestroyGivesEverythingBack) {
  Engine engine(net::monotonic_now_ns(), 0);
  ASSERT_EQ(engine.open(), 0);
  const size_t descriptors = open_descriptors();
  const size_t memory = engine.memory().in_use();
  for (int i = 0; i < 20; i++) {
    HostError error;
    Host* host = create(engine, {loopback(), loopback()}, &error);
    ASSERT_NE(host, nullptr);
    engine.destroy_host(host);
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(engine.memory().in_use(), memory);
}

// A host with these sockets, and the index of the one that is to be used for each destination.
struct Choice {
  std::vector<std::string> sockets;
  std::string to;
  int expected;
};

TEST(EngineHost, ChoosesTheSocketThatReachesTheDestination) {
  const Choice choices[] = {
      {{"0.0.0.0"}, "127.0.0.1", 0},
      {{"0.0.0.0"}, "192.0.2.1", 0},
      {{"0.0.0.0"}, "2001:db8::1", -1},
      {{"127.0.0.1"}, "192.0.2.1", -1},
      {{"127.0.0.1"}, "127.0.0.2", 0},
      {{"0.0.0.0", "127.0.0.1"}, "127.0.0.1", 1},
      {{"127.0.0.1", "0.0.0.0"}, "192.0.2.1", 1},
      {{"0.0.0.0", "::"}, "::1", 1},
      {{}, "127.0.0.1", -1},
  };
  for (const Choice& choice : choices) {
    Engine engine(net::monotonic_now_ns(), 0);
    ASSERT_EQ(engine.open(), 0);
    HostError error;
    Host* host = create(engine, parse_all(choice.sockets), &error);
    if (host == nullptr && error.error == EAFNOSUPPORT) continue;  // no IPv6 here
    ASSERT_NE(host, nullptr);
    EXPECT_EQ(host->socket_for(parse_all({choice.to})[0]), choice.expected)
        << choice.to << " by " << testing::PrintToString(choice.sockets);
  }
}

TEST(SocketSet, ReportsOnlyWhatIsReady) {
  SocketSet set;
  ASSERT_EQ(set.open(), 0);
  HostSocket sockets[3];
  net::SocketOptions options;
  for (HostSocket& socket : sockets) {
    ASSERT_EQ(socket.udp.open(loopback(), options), 0);
    ASSERT_EQ(set.add(&socket), 0);
  }
  const uint8_t byte = 1;
  ASSERT_EQ(sockets[0].udp.send_train(sockets[2].udp.local_address(), &byte, 1, 1).segments, 1u);

  ReadySocket ready[SocketSet::kMaxReady];
  if (set.fd() >= 0) {
    pollfd entry{set.fd(), POLLIN, 0};
    ASSERT_EQ(poll(&entry, 1, 10'000), 1);
    ASSERT_EQ(set.ready(ready, SocketSet::kMaxReady), 1u);
    EXPECT_EQ(ready[0].socket, &sockets[2]);
    EXPECT_TRUE(ready[0].readable);
    EXPECT_FALSE(ready[0].writable);

    // Room to write is reported only when somebody waits for it.
    set.want_write(&sockets[1], true);
    EXPECT_EQ(set.ready(ready, SocketSet::kMaxReady), 2u);
    EXPECT_EQ(set.ready(ready, 1), 1u);
    set.want_write(&sockets[1], false);
    EXPECT_EQ(set.ready(ready, SocketSet::kMaxReady), 1u);
  }
  set.remove(&sockets[2]);
  const size_t count = set.ready(ready, SocketSet::kMaxReady);
  for (size_t i = 0; i < count; i++) EXPECT_NE(ready[i].socket, &sockets[2]);
}

}  // namespace
}  // namespace hawser::engine
