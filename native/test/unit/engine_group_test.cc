// A peer that has several engines: whatever the kernel gives to which of them, each datagram comes
// to the one that it is for.

#include "engine_group_support.h"

namespace hawser::engine {
namespace {

using test::drive;
using test::Group;
using test::Node;
using test::numbered;
using test::peer_id;
using transport::Channel;
using transport::EndpointCounters;
using transport::Session;

constexpr bool kSteers = HAWSER_NET_LINUX;

std::vector<std::unique_ptr<Node>> clients(uint8_t count) {
  std::vector<std::unique_ptr<Node>> made;
  for (uint8_t i = 0; i < count; i++) {
    made.push_back(std::make_unique<Node>(static_cast<uint8_t>(100 + i)));
    made.back()->bind();
  }
  return made;
}

std::vector<Node*> pointers(const std::vector<std::unique_ptr<Node>>& nodes) {
  std::vector<Node*> list;
  for (const auto& node : nodes) list.push_back(node.get());
  return list;
}

struct Spread : testing::TestWithParam<bool> {};

// Sessions at all of them, and every message at the right one, in order, with and without the
// kernel's help.
TEST_P(Spread, EverySessionAtItsEngine) {
  if (GetParam() && !kSteers) GTEST_SKIP() << "no steering on this system";
  Group server(1, 4, GetParam());
  const auto made = clients(16);
  const std::vector<Node*> everybody = server.and_others(pointers(made));
  std::vector<Channel*> channels;
  for (const auto& client : made) {
    Session* session = client->connect(server[0]);
    ASSERT_NE(session, nullptr);
    channels.push_back(client->open(session));
  }
  const auto accepted = [&] {
    return std::all_of(channels.begin(), channels.end(), [](Channel* c) { return c->accepted(); });
  };
  ASSERT_TRUE(drive(everybody, accepted));
  constexpr int kMessages = 200;
  for (size_t c = 0; c < channels.size(); c++) {
    for (int i = 0; i < kMessages; i++) {
      made[c]->send(channels[c], std::to_string(c) + "/" + numbered(i, 500));
    }
  }
  const auto done = [&] {
    return std::all_of(channels.begin(), channels.end(),
                       [](Channel* c) { return c->unacknowledged() == 0; });
  };
  ASSERT_TRUE(drive(everybody, done));

  EXPECT_EQ(server.opened(), 16);
  EXPECT_GT(server.used(), 1u);
  size_t messages = 0;
  for (uint32_t i = 0; i < server.size(); i++) {
    for (const Session* session : server[i].sessions) {
      EXPECT_EQ(server.group.member_of(session->local_id()), i);
    }
    std::vector<int> next(channels.size());
    for (const std::string& message : server[i].sink.messages) {
      const auto c = static_cast<size_t>(std::stoi(message));
      EXPECT_EQ(message, std::to_string(c) + "/" + numbered(next[c]++, 500));
      messages++;
    }
    EXPECT_EQ(server[i].host->hand_overs_lost(), 0u);
  }
  EXPECT_EQ(messages, channels.size() * kMessages);
  EXPECT_EQ(server.sum(&EndpointCounters::unknown_session), 0u);
  if (GetParam()) {
    EXPECT_EQ(server.handed_over(), 0u);
  } else {
    EXPECT_GT(server.handed_over(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, Spread, testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "Steers" : "DoesNotSteer");
});

// Dials of each member find their answers.
TEST(HostGroup, DialsFromEveryEngine) {
  for (const bool steered : {false, true}) {
    if (steered && !kSteers) continue;
    Group peer(1, 4, steered);
    Node other(2);
    other.bind();
    for (size_t i = 0; i < peer.size(); i++) {
      Session* session = peer[i].connect(other);
      ASSERT_NE(session, nullptr);
      EXPECT_EQ(peer.group.member_of(session->local_id()), i);
    }
    ASSERT_TRUE(drive(peer.and_others({&other}), [&] { return other.opened == 4; }));
    for (size_t i = 0; i < peer.size(); i++) EXPECT_EQ(peer[i].opened, 1);
  }
}

// Both dial at the same time: the peer's INIT comes to any engine, and makes one session with what
// was dialled at another.
TEST(HostGroup, WhoDialsEachOtherMeets) {
  int elsewhere = 0;
  for (uint8_t round = 0; round < 12; round++) {
    Group peer(1, 3, kSteers);
    Node other(static_cast<uint8_t>(2 + round));
    other.bind();
    const uint32_t dialler = round % 3;
    peer.group.add_dial(other.id, dialler);
    Session* ours = peer[dialler].connect(other);
    Session* theirs = other.connect(peer[0]);
    ASSERT_NE(ours, nullptr);
    ASSERT_NE(theirs, nullptr);
    elsewhere += peer.group.member_of(theirs->local_id()) != dialler ? 1 : 0;
    Channel* channel = peer[dialler].open(ours);
    Channel* back = other.open(theirs);
    const std::vector<Node*> everybody = peer.and_others({&other});
    ASSERT_TRUE(drive(everybody, [&] { return channel->accepted() && back->accepted(); }));
    EXPECT_EQ(peer.opened(), 1);
    EXPECT_EQ(peer[dialler].opened, 1);
    EXPECT_EQ(other.opened, 1);
    EXPECT_EQ(&channel->session(), ours);
    EXPECT_EQ(&back->session(), theirs);
    peer.group.remove_dial(other.id, dialler);
    EXPECT_FALSE(peer.group.any_dials());
  }
  // Two of three on average.
  EXPECT_GT(elsewhere, 0);
}

// What a peer says that has forgotten its session bears no id.
TEST(HostGroup, AResetFindsItsSession) {
  Group server(1, 8, false);
  net::Address place;
  std::vector<Channel*> channels;
  auto client = std::make_unique<Node>(2);
  client->bind();
  place = client->address();
  constexpr int kSessions = 4;
  for (int i = 0; i < kSessions; i++) ASSERT_NE(client->connect(server[0]), nullptr);
  ASSERT_TRUE(drive(server.and_others({client.get()}),
                    [&] { return server.opened() == kSessions && client->opened == kSessions; }));
  const auto each = [&](const std::function<void(Node&, Session*)>& visit) {
    for (const auto& node : server.nodes) {
      for (Session* session : node->sessions) visit(*node, session);
    }
  };
  each([&](Node& node, Session* session) { channels.push_back(node.open(session)); });
  ASSERT_TRUE(drive(server.and_others({client.get()}), [&] {
    return std::all_of(channels.begin(), channels.end(), [](Channel* c) { return c->accepted(); });
  }));
  // It is started again, at the same address.
  client = nullptr;
  client = std::make_unique<Node>(2);
  client->bind([&](HostOptions& options) { options.addresses = &place; });
  size_t next = 0;
  each([&](Node& node, Session*) { node.send(channels[next++], "are you there?"); });
  EXPECT_TRUE(
      drive(server.and_others({client.get()}), [&] { return server.closed() == kSessions; }));
  EXPECT_EQ(client->host->endpoint().counters().resets_sent, static_cast<uint64_t>(kSessions));
  EXPECT_GT(server.handed_over(), 0u);
}

TEST(HostGroup, OneLimitOfSessionsForAll) {
  constexpr uint32_t kMost = 5;
  Group server(1, 4, kSteers, [](HostOptions& options) { options.endpoint.max_sessions = kMost; });
  const auto made = clients(12);
  const std::vector<Node*> everybody = server.and_others(pointers(made));
  std::vector<Session*> sessions;
  for (const auto& client : made) sessions.push_back(client->connect(server[0]));
  const auto count = [&] {
    size_t open = 0;
    for (const auto& node : server.nodes) open += node->host->endpoint().established_count();
    return open;
  };
  // Those that are proven too late count until they are closed, but nobody hears of them.
  ASSERT_TRUE(drive(everybody, [&] {
    return count() == kMost && server.sum(&EndpointCounters::refused_sessions) > 0;
  }));
  EXPECT_LE(server.opened(), static_cast<int>(kMost));
  // Another engine's place is as good.
  EXPECT_TRUE(server[0].host->endpoint().full());
  EXPECT_EQ(server[0].connect(*made[0]), nullptr);
  for (const auto& client : made) client->let_go();
  for (const auto& node : server.nodes) node->let_go();
  EXPECT_EQ(server.group.shared().sessions.load(), 0u);
  EXPECT_EQ(server.group.shared().memory.load(), 0u);
}

// Who dials a peer has to know whether that has begun a session here, which may be at any engine.
TEST(HostGroup, KnowsWhoHasBegunASession) {
  Group server(1, 2, kSteers);
  Node client(2);
  client.bind();
  Session* session = client.connect(server[0]);
  const uint32_t member = server.group.member_of(session->local_id());
  const auto begun = [&](uint32_t i) {
    return server[i].host->endpoint().half_open_with(client.id);
  };
  // The client's side does not go on: its answer stays on the way.
  client.step();
  client.step();
  ASSERT_TRUE(drive(server.all(), [&] { return begun(member); }));
  EXPECT_FALSE(begun(1 - member));
  EXPECT_FALSE(server[member].host->endpoint().half_open_with(peer_id(3)));
  ASSERT_TRUE(drive(server.and_others({&client}), [&] { return server.opened() == 1; }));
  EXPECT_FALSE(begun(member));
}

TEST(HostGroup, NotesDials) {
  HostGroup group(3);
  const wire::PeerIdBytes a = peer_id(1);
  wire::PeerIdBytes negated = a;
  negated.bytes[31] ^= 0x80;
  EXPECT_EQ(group.dialler_of(a), HostGroup::kNobody);
  group.add_dial(a, 2);
  group.add_dial(a, 2);
  group.add_dial(peer_id(2), 1);
  EXPECT_TRUE(group.any_dials());
  EXPECT_EQ(group.dialler_of(a), 2);
  EXPECT_EQ(group.dialler_of(negated), 2);
  EXPECT_EQ(group.dialler_of(peer_id(2)), 1);
  group.remove_dial(a, 1);  // not there
  group.remove_dial(a, 2);
  EXPECT_EQ(group.dialler_of(a), 2);
  group.add_dial(a, 0);  // the later one counts
  EXPECT_EQ(group.dialler_of(a), 0);
  group.remove_dial(a, 0);
  EXPECT_EQ(group.dialler_of(a), HostGroup::kNobody);
  group.remove_dial(peer_id(2), 1);
  EXPECT_FALSE(group.any_dials());
}

TEST(HostGroup, NotesResets) {
  HostGroup group(3);
  group.expect_reset(1, 77);
  group.expect_reset(2, 77);  // the first to name it has it
  EXPECT_EQ(group.expecting_reset(77), 1);
  EXPECT_EQ(group.expecting_reset(78), HostGroup::kNobody);
  group.forget_reset(2, 77);
  EXPECT_EQ(group.expecting_reset(77), 1);
  group.forget_reset(1, 77);
  EXPECT_EQ(group.expecting_reset(77), HostGroup::kNobody);
}

}  // namespace
}  // namespace hawser::engine
