// A peer that has the keys and asks a session to other addresses, or to ask others.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using transport::PathAddress;

// An address that is nobody's: an attacker's.
PathAddress attacker(uint8_t number) {
  PathAddress address;
  address.bytes[0] = 0x53;
  address.bytes[1] = number;
  return address;
}

bool is_attacker(const PathAddress& address) { return address.bytes[0] == 0x53; }

class HostileMover : public testing::Test {
 protected:
  void SetUp() override {
    network_.set_application(&app_);
    network_.add_peer();
    network_.set_judged(false);
    ASSERT_TRUE(raw_.connect(0));
    session_ = app_.opened.back();
    network_.run_for(kSecond);
    raw_.clear();
    network_.set_listener([&](int, const PathAddress& to, const Datagram& datagram) {
      if (!is_attacker(to)) return;
      sent_to_[to.bytes[1]] += datagram.length;
      PacketView view;
      if (!view_packet(datagram.clear, datagram.length, view)) return;
      each_frame(view, [&](const wire::Frame& frame) {
        if (frame.type() == wire::FrameType::kPathChallenge) {
          std::copy_n(frame.path_challenge.data, wire::kPathDataBytes, challenge_.data);
          challenges_++;
        }
        if (frame.type() == wire::FrameType::kPathResponse) responses_++;
      });
    });
  }
  void TearDown() override {
    EXPECT_EQ(network_.failure(), "");
    network_.peer(0).destroy();
    EXPECT_EQ(network_.failure(), "");
  }
  // From that address of the attacker's, a packet with these frames.
  template <typename... Frames>
  void send_from(uint8_t number, const Frames&... frames) {
    std::vector<uint8_t> bytes(1'200);
    uint8_t* out = wire::write_data_header(
        bytes.data(),
        wire::DataHeader{raw_.remote_id(), static_cast<uint32_t>(raw_.next_number++)});
    uint8_t* const end = bytes.data() + bytes.size() - wire::kTagBytes;
    ((out = wire::write(out, end, frames)), ...);
    ASSERT_NE(out, nullptr);
    std::fill(out, out + wire::kTagBytes, uint8_t{0});
    bytes.resize(static_cast<size_t>(out - bytes.data()) + wire::kTagBytes);
    network_.inject(network_.now(), attacker(number), 0, bytes.data(), bytes.size());
    received_from_[number] += bytes.size();
    network_.run_for(0);
  }

  SimNetwork network_{7};
  RecordingApp app_;
  RawPeer raw_{network_};
  Session* session_ = nullptr;
  std::unordered_map<int, uint64_t> sent_to_;
  std::unordered_map<int, uint64_t> received_from_;
  wire::PathResponse challenge_{};
  unsigned challenges_ = 0;
  unsigned responses_ = 0;
};

TEST_F(HostileMover, AFloodOfChallengesIsAnsweredOnceAPacket) {
  for (int i = 0; i < 1'000; i++) {
    raw_.add(wire::PathChallenge{{1}}).add(wire::PathChallenge{{2}}).add(wire::PathChallenge{{3}});
    raw_.send();
    if (i % 10 == 9) raw_.settle();
  }
  network_.run_for(kSecond);
  const size_t answers = raw_.count(wire::FrameType::kPathResponse);
  // Of those that come at once the last few are answered.
  EXPECT_GE(answers, 100u);
  EXPECT_LE(answers, 100u * transport::PathAnswers::kMost);
}

TEST_F(HostileMover, ChallengesFromEverywhereAreNotAmplified) {
  for (int i = 0; i < 2'000; i++) {
    send_from(static_cast<uint8_t>(i % 200), wire::PathChallenge{{1}}, wire::PathChallenge{{2}});
    if (i % 10 == 0) network_.run_for(kMillisecond);
  }
  network_.run_for(5 * kSecond);
  EXPECT_EQ(responses_, 2'000u);
  for (const auto& [address, bytes] : sent_to_) EXPECT_LE(bytes, received_from_[address]);
  EXPECT_TRUE(session_->open());
  EXPECT_EQ(session_->counters().path_changes, 0u);
}

TEST_F(HostileMover, OneAddressAtATimeIsChallenged) {
  for (int i = 0; i < 1'000; i++) {
    send_from(static_cast<uint8_t>(i % 250), wire::PathResponse{{1}});
    network_.run_for(kMillisecond);
  }
  // A second of turns of 100 ms and more.
  EXPECT_GE(challenges_, 2u);
  EXPECT_LE(challenges_, 20u);
  EXPECT_GE(session_->counters().path_validations_failed, 1u);
}

TEST_F(HostileMover, TheAnswerMovesTheSessionAndAnotherDoesNot) {
  send_from(1, wire::Ping{}, wire::PathResponse{{1}});
  EXPECT_EQ(challenges_, 1u);
  send_from(1, wire::PathResponse{{1, 2, 3}});
  EXPECT_EQ(session_->counters().path_changes, 0u);
  // Short ones do not pay for a challenge.
  send_from(2, wire::Ping{});
  EXPECT_EQ(sent_to_[2], 0u);
  send_from(1, challenge_);
  EXPECT_EQ(session_->counters().path_changes, 1u);
  EXPECT_TRUE(session_->path() == attacker(1));
  // The old address is asked as well.
  network_.run_for(kMillisecond);
  EXPECT_GE(raw_.count(wire::FrameType::kPathChallenge), 1u);
}

TEST_F(HostileMover, AnAddressThatDoesNotAnswerIsGivenUp) {
  send_from(1, wire::PathResponse{{1}});
  EXPECT_EQ(challenges_, 1u);
  network_.run_for(20 * kSecond);
  // Nothing more came from there, so nothing more went there.
  EXPECT_EQ(challenges_, 1u);
  EXPECT_EQ(session_->counters().path_validations_failed, 1u);
  // Too late.
  send_from(1, challenge_);
  EXPECT_EQ(session_->counters().path_changes, 0u);
}

}  // namespace
}  // namespace hawser::sim
