#include "transport/mtu_search.h"

#include <gtest/gtest.h>

#include <vector>

namespace hawser::transport {
namespace {

constexpr size_t kBase = 1'200;
constexpr Duration kPto = 50 * kMillisecond;

// A path that carries `mtu`; the interface of its sender takes `interface`.
class MtuSearchTest : public testing::Test {
 protected:
  // Sends probes until there is none to be sent for now. Returns the sizes that left.
  std::vector<size_t> run(MtuSearch& search, size_t mtu, size_t interface = 65'535) {
    std::vector<size_t> left;
    for (int i = 0; i < 100; i++) {
      const size_t bytes = search.next_probe(now_);
      if (bytes == 0 && search.state() == MtuSearch::State::kComplete) return left;
      if (bytes == 0) {
        now_ += kPto;
        continue;
      }
      EXPECT_GT(bytes, search.size());
      EXPECT_LE(bytes, search.limit());
      const uint64_t number = next_++;
      search.on_probe_sent(now_, number, bytes, kPto);
      EXPECT_EQ(search.next_probe(now_), 0u) << "two under way";
      if (bytes > interface) {
        search.on_refused(now_, bytes);
        continue;
      }
      left.push_back(bytes);
      now_ += kPto / 3;
      if (bytes <= mtu) {
        search.on_acked(now_, number, bytes, next_);
      } else {
        search.on_lost(now_, number, bytes, next_);
      }
    }
    ADD_FAILURE() << "never complete";
    return left;
  }

  uint64_t send() { return next_++; }

  Time now_ = kSecond;
  uint64_t next_ = 1'000;
};

using State = MtuSearch::State;
using Sizes = std::vector<size_t>;

TEST_F(MtuSearchTest, FindsLoopbackWithOneProbe) {
  MtuSearch search(kBase, MtuSearch::kLargest);
  EXPECT_EQ(search.size(), kBase);
  EXPECT_EQ(run(search, 65'507), Sizes{65'507});
  EXPECT_EQ(search.size(), 65'507u);
}

TEST_F(MtuSearchTest, FindsTheInterfacesMtuWithoutALostProbe) {
  for (const size_t mtu : {65'487u, 8'972u, 8'952u, 1'472u, 1'452u, 1'372u, 1'232u}) {
    MtuSearch search(kBase, MtuSearch::kLargest);
    EXPECT_EQ(run(search, mtu, mtu), Sizes{mtu});
    EXPECT_EQ(search.size(), mtu);
  }
}

TEST_F(MtuSearchTest, RoundsDownToASizeThatIsCommon) {
  MtuSearch search(kBase, MtuSearch::kLargest);
  run(search, 1'464, 1'464);  // PPPoE
  EXPECT_EQ(search.size(), 1'452u);
}

TEST_F(MtuSearchTest, LosesFewProbesWhereTheNarrowPartIsFarAway) {
  MtuSearch search(kBase, MtuSearch::kLargest);
  EXPECT_EQ(run(search, 1'472, 8'972), (Sizes{8'972, 8'952, 1'472, 8'952, 8'952}));
  EXPECT_EQ(search.size(), 1'472u);
}

TEST_F(MtuSearchTest, EndsWhereOnlyTheBaseGetsThrough) {
  MtuSearch search(kBase, 1'472);
  EXPECT_EQ(run(search, kBase), (Sizes{1'472, 1'452, 1'372, 1'232, 1'232, 1'232}));
  EXPECT_EQ(search.size(), kBase);
  EXPECT_EQ(search.next_probe(now_ + kSecond), 0u);
}

TEST_F(MtuSearchTest, TriesAgainWhatWasLostByBadLuck) {
  MtuSearch search(kBase, 1'472);
  const uint64_t first = send();
  ASSERT_EQ(search.next_probe(now_), 1'472u);
  search.on_probe_sent(now_, first, 1'472, kPto);
  search.on_lost(now_ + kPto, first, 1'472, next_);
  now_ += kPto;
  EXPECT_EQ(run(search, 1'472), (Sizes{1'452, 1'472}));
  EXPECT_EQ(search.size(), 1'472u);
}

TEST_F(MtuSearchTest, WaitsAPtoAfterALoss) {
  MtuSearch search(kBase, 1'472);
  search.on_probe_sent(now_, send(), 1'472, kPto);
  search.on_lost(now_ + 1, next_ - 1, 1'472, next_);
  EXPECT_EQ(search.next_probe(now_ + kPto - 1), 0u);
  EXPECT_EQ(search.next_probe(now_ + kPto), 1'452u);
}

TEST_F(MtuSearchTest, TakesTheLimitAsASizeOfItsOwn) {
  MtuSearch search(kBase, 16'376);
  EXPECT_EQ(run(search, 65'507), Sizes{16'376});
  MtuSearch lowered(kBase, 16'376);
  lowered.lower_limit(2'000);
  EXPECT_EQ(run(lowered, 65'507), Sizes{2'000});
  MtuSearch beyond(kBase, 100'000);
  EXPECT_EQ(beyond.limit(), MtuSearch::kLargest);
}

TEST_F(MtuSearchTest, IsOffWithoutAnythingToFind) {
  for (const size_t limit : {0u, 1'199u, 1'200u}) {
    MtuSearch search(kBase, limit);
    EXPECT_EQ(search.next_probe(now_), 0u);
    EXPECT_EQ(search.next_probe(now_ + 10 * MtuSearch::kRaiseAfter), 0u);
    EXPECT_EQ(search.size(), kBase);
  }
}

TEST_F(MtuSearchTest, SearchesAgainAfterTenMinutes) {
  MtuSearch search(kBase, 8'972);
  run(search, 1'472);
  const Time done = now_;
  EXPECT_EQ(search.next_probe(done + MtuSearch::kRaiseAfter - kSecond), 0u);
  now_ += MtuSearch::kRaiseAfter;
  EXPECT_EQ(run(search, 8'972), Sizes{8'972});
  EXPECT_EQ(search.size(), 8'972u);
  // There is nothing above the limit.
  EXPECT_EQ(search.next_probe(now_ + 2 * MtuSearch::kRaiseAfter), 0u);
}

TEST_F(MtuSearchTest, AForgottenProbeSaysNothing) {
  MtuSearch search(kBase, 1'472);
  const uint64_t number = send();
  search.on_probe_sent(now_, number, 1'472, 0);
  search.forget_probe();
  search.on_acked(now_, number, 1'472, next_);
  EXPECT_EQ(search.size(), kBase);
  EXPECT_NE(search.next_probe(now_), 0u);
}

class BlackHole : public MtuSearchTest {
 protected:
  void SetUp() override { run(search_, 8'972); }

  // A long packet is lost, a short one that was sent `later` arrives.
  void round(bool later = true) {
    const uint64_t before = send();
    const uint64_t lost = send();
    const uint64_t after = send();
    search_.on_acked(now_, later ? after : before, 100, next_);
    search_.on_lost(now_, lost, 8'972, next_);
  }

  MtuSearch search_{kBase, 8'972};
};

TEST_F(BlackHole, FallsBackToTheBaseAndSearchesBelow) {
  ASSERT_EQ(search_.size(), 8'972u);
  for (unsigned i = 1; i < MtuSearch::kBlackHoleRounds; i++) round();
  EXPECT_EQ(search_.size(), 8'972u);
  round();
  EXPECT_EQ(search_.size(), kBase);
  EXPECT_EQ(search_.black_holes(), 1u);
  EXPECT_EQ(run(search_, 1'472).front(), 8'952u);
  EXPECT_EQ(search_.size(), 1'472u);
  // What was too long may be carried again, later.
  now_ += MtuSearch::kRaiseAfter;
  run(search_, 8'972);
  EXPECT_EQ(search_.size(), 8'972u);
}

TEST_F(BlackHole, IsNoneWhileFullPacketsArrive) {
  for (int i = 0; i < 20; i++) {
    round();
    round();
    search_.on_acked(now_, send(), 8'972, next_);
  }
  EXPECT_EQ(search_.size(), 8'972u);
}

TEST_F(BlackHole, IsNoneWhereNothingArrives) {
  const uint64_t before = send();
  for (int i = 0; i < 20; i++) search_.on_lost(now_, send(), 8'972, next_);
  search_.on_acked(now_, before, 100, next_);
  EXPECT_EQ(search_.size(), 8'972u) << "a short packet from before says nothing";
}

TEST_F(BlackHole, IsFoundByPacketsOfTheNextRoundAsWell) {
  // What was sent before a loss says nothing of it, but of the one before; and what was in flight
  // when that was noticed belongs to it.
  for (unsigned i = 1; i < 2 * MtuSearch::kBlackHoleRounds; i++) round(false);
  EXPECT_EQ(search_.size(), 8'972u);
  round(false);
  EXPECT_EQ(search_.size(), kBase);
}

TEST_F(BlackHole, CountsAFlightOnce) {
  const uint64_t first = next_;
  next_ += 20;
  search_.on_acked(now_, next_ - 1, 100, next_);
  for (uint64_t number = first; number < first + 19; number++) {
    search_.on_lost(now_, number, 8'972, next_);
  }
  EXPECT_EQ(search_.size(), 8'972u);
}

TEST_F(BlackHole, IsFoundWhenTheShortPacketArrivesLast) {
  for (unsigned i = 0; i < MtuSearch::kBlackHoleRounds; i++) {
    search_.on_lost(now_, send(), 8'972, next_);
    search_.on_acked(now_, send(), 100, next_);
  }
  EXPECT_EQ(search_.size(), kBase);
}

TEST_F(BlackHole, HasNothingToDoWithShortPackets) {
  for (int i = 0; i < 20; i++) {
    search_.on_lost(now_, send(), kBase, next_);
    search_.on_acked(now_, send(), 100, next_);
  }
  EXPECT_EQ(search_.size(), 8'972u);
}

TEST_F(BlackHole, NeedNotSwallowPacketsOfFullSize) {
  // Messages that have their packet to themselves may be shorter than what the path once carried.
  for (unsigned i = 0; i < MtuSearch::kBlackHoleRounds; i++) {
    search_.on_lost(now_, send(), 3'000, next_);
    search_.on_acked(now_, send(), 1'400, next_);
  }
  EXPECT_EQ(search_.size(), kBase);
  EXPECT_EQ(run(search_, 1'472).back(), 1'472u);
}

TEST_F(BlackHole, ARefusedPacketIsEnough) {
  search_.on_refused(now_, 8'972);
  EXPECT_EQ(search_.size(), kBase);
  EXPECT_EQ(run(search_, 65'535, 1'472), Sizes{1'472});
  // Nobody can send less than the base.
  search_.on_refused(now_, kBase);
  EXPECT_EQ(search_.size(), 1'472u);
}

}  // namespace
}  // namespace hawser::transport
