// A peer with several engines, each on threads of its own, and nothing steered: everything that is
// handed over crosses threads. ThreadSanitizer watches (.ci/run tsan).

#include <atomic>

#include "engine/handshake_worker.h"
#include "engine/io_thread.h"
#include "engine_group_support.h"

namespace hawser::engine {
namespace {

using test::drive;
using test::Group;
using test::Node;
using test::numbered;
using transport::Channel;
using transport::Session;

// The threads of one member, and what they tell its application.
struct Runner final : Waker {
  explicit Runner(Node& driven) : node(driven), io(node.engine, *this), worker(node.engine, work) {}

  void start() {
    ASSERT_EQ(io.start(), 0);
    ASSERT_EQ(worker.start(), 0);
  }
  void stop() {
    worker.stop();
    io.stop();
  }
  void wake() override { woken.store(true); }

  // The application's part.
  void serve() {
    if (!woken.exchange(false)) return;
    transport::Time next = 0;
    {
      MutexLock lock(node.engine.mutex());
      node.engine.runtime().set_sink(&node.sink);
      node.take_events(net::monotonic_now_ns());
      node.engine.runtime().set_sink(nullptr);
      next = node.engine.next_timeout();
    }
    io.note_deadline(next);
  }

  struct Inbox final : Waker {
    explicit Inbox(IoThread& thread) : io(thread) {}
    void wake() override { io.note_sockets(); }
    IoThread& io;
  };
  struct Work final : Waker {
    explicit Work(IoThread& thread) : io(thread) {}
    void wake() override { io.note_deadline(0); }
    IoThread& io;
  };

  Node& node;
  IoThread io;
  Inbox inbox{io};
  Work work{io};
  HandshakeWorker worker;
  std::atomic<bool> woken{false};
};

TEST(HostGroupThreads, HandOverAcrossThreads) {
  Group server(1, 4, false);
  std::vector<std::unique_ptr<Runner>> runners;
  for (size_t i = 0; i < server.size(); i++) {
    runners.push_back(std::make_unique<Runner>(server[i]));
    server.group.set_waker(static_cast<uint32_t>(i), &runners[i]->inbox);
  }
  for (const auto& runner : runners) runner->start();

  constexpr uint8_t kClients = 6;
  constexpr int kMessages = 300;
  std::vector<std::unique_ptr<Node>> clients;
  std::vector<Node*> driven;
  std::vector<Channel*> channels;
  for (uint8_t i = 0; i < kClients; i++) {
    clients.push_back(std::make_unique<Node>(static_cast<uint8_t>(50 + i)));
    clients[i]->bind();
    driven.push_back(clients[i].get());
    Session* session = clients[i]->connect(server[0]);
    ASSERT_NE(session, nullptr);
    channels.push_back(clients[i]->open(session));
  }
  const auto until = [&](const std::function<bool()>& done) {
    return drive(driven, [&] {
      for (const auto& runner : runners) runner->serve();
      return done();
    });
  };
  ASSERT_TRUE(until([&] {
    return std::all_of(channels.begin(), channels.end(), [](Channel* c) { return c->accepted(); });
  }));
  for (size_t c = 0; c < channels.size(); c++) {
    for (int i = 0; i < kMessages; i++) clients[c]->send(channels[c], numbered(i, 300));
  }
  const auto received = [&] {
    size_t sum = 0;
    for (const auto& node : server.nodes) sum += node->sink.messages.size();
    return sum;
  };
  EXPECT_TRUE(until([&] { return received() == size_t{kClients} * kMessages; }));
  // One of them goes while the others still hand over to it.
  for (const auto& runner : runners) {
    for (size_t c = 0; c < channels.size(); c++) clients[c]->send(channels[c], numbered(0, 2'000));
    for (Node* client : driven) client->step();
    runner->stop();
  }
  EXPECT_EQ(server.opened(), kClients);
  EXPECT_GT(server.handed_over(), 0u);
}

}  // namespace
}  // namespace hawser::engine
