// What UdpSocket does when the kernel refuses: system calls are replaced by ones that fail on
// order.

#include <algorithm>
#include <cerrno>
#include <vector>

#include "test/unit/net_udp_script.h"
#include "test/unit/net_udp_support.h"

namespace hawser::net {
namespace {

class NetUdpFallback : public testing::Test {
 protected:
  static constexpr size_t kSegment = 1200;
  static constexpr size_t kSegments = 10;

  void SetUp() override {
    script = Script();
    ASSERT_EQ(receiver_.open(loopback(false), SocketOptions()), 0);
    ASSERT_TRUE(batch_.init());
    data_.resize(kSegments * kSegment);
    for (size_t i = 0; i < data_.size(); ++i) data_[i] = static_cast<uint8_t>(i / kSegment);
  }

  void open_sender(SocketOptions options = SocketOptions()) {
    options.calls = &kScriptedCalls;
    ASSERT_EQ(sender_.open(loopback(false), options), 0);
  }

  SendResult send() {
    return sender_.send_train(receiver_.local_address(), data_.data(), data_.size(), kSegment);
  }

  // How many datagrams have arrived; loopback delivers before send returns.
  size_t arrived() {
    size_t count = 0;
    for (;;) {
      const ReceiveResult result = receiver_.receive(&batch_);
      if (result.status != IoStatus::kOk) return count;
      count += result.datagrams;
    }
  }

  UdpSocket sender_;
  UdpSocket receiver_;
  ReceiveBatch batch_;
  std::vector<uint8_t> data_;
};

TEST_F(NetUdpFallback, EioSendsThatTrainPlainAndGivesGsoUp) {
  open_sender();
  if (!sender_.features().gso) GTEST_SKIP() << "no GSO here";
  ASSERT_EQ(send().segments, kSegments);
  EXPECT_EQ(script.gso_calls, 1);
  EXPECT_EQ(script.plain_calls, 0);

  script.gso_error = EIO;
  const SendResult result = send();
  EXPECT_EQ(result.status, IoStatus::kOk);
  EXPECT_EQ(result.segments, kSegments);
  EXPECT_FALSE(sender_.features().gso);
  EXPECT_EQ(sender_.counters().gso_fallbacks, 1U);
  EXPECT_EQ(script.gso_calls, 2);

  // For good, even if the kernel would take it again.
  script.gso_error = 0;
  ASSERT_EQ(send().segments, kSegments);
  EXPECT_EQ(script.gso_calls, 2);
  EXPECT_EQ(sender_.counters().gso_fallbacks, 1U);
  EXPECT_EQ(sender_.counters().datagrams_out, 3 * kSegments);
  EXPECT_EQ(arrived(), 3 * kSegments);
}

TEST_F(NetUdpFallback, EinvalGivesGsoUpOnlyWhenPlainSendsWork) {
  open_sender();
  if (!sender_.features().gso) GTEST_SKIP() << "no GSO here";
  script.gso_error = EINVAL;
  script.send_error = EMSGSIZE;
  script.send_passes = 0;
  SendResult result = send();
  EXPECT_EQ(result.status, IoStatus::kError);
  EXPECT_EQ(result.error, EMSGSIZE);
  EXPECT_TRUE(sender_.features().gso);
  EXPECT_EQ(sender_.counters().gso_fallbacks, 0U);

  script.send_error = 0;
  result = send();
  EXPECT_EQ(result.status, IoStatus::kOk);
  EXPECT_EQ(result.segments, kSegments);
  EXPECT_FALSE(sender_.features().gso);
  EXPECT_EQ(sender_.counters().gso_fallbacks, 1U);
}

TEST_F(NetUdpFallback, OtherGsoErrorsAreAnswersAndNotFallbacks) {
  open_sender();
  if (!sender_.features().gso) GTEST_SKIP() << "no GSO here";
  for (int error : {EMSGSIZE, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EPERM, ENOBUFS}) {
    script.gso_error = error;
    const SendResult result = send();
    EXPECT_EQ(result.status, IoStatus::kError);
    EXPECT_EQ(result.error, error);
    EXPECT_EQ(result.segments, 0U);
  }
  script.gso_error = EAGAIN;
  EXPECT_EQ(send().status, IoStatus::kWouldBlock);
  EXPECT_TRUE(sender_.features().gso);
  EXPECT_EQ(script.plain_calls, 0);
  const SocketCounters& counters = sender_.counters();
  EXPECT_EQ(counters.errors_out.too_big, 1U);
  EXPECT_EQ(counters.errors_out.refused, 1U);
  EXPECT_EQ(counters.errors_out.unreachable, 2U);
  EXPECT_EQ(counters.errors_out.not_permitted, 1U);
  EXPECT_EQ(counters.errors_out.no_buffers, 1U);
  EXPECT_EQ(counters.errors_out.other, 0U);
  EXPECT_EQ(counters.would_block_out, 1U);
  EXPECT_EQ(counters.datagrams_out, 0U);

  script.gso_error = 0;
  EXPECT_EQ(send().segments, kSegments);
}

TEST_F(NetUdpFallback, AKernelWithoutGsoIsNoticedAtOpen) {
#if HAWSER_NET_LINUX
  script.missing_option = UDP_SEGMENT;
  open_sender();
  EXPECT_FALSE(sender_.features().gso);
  EXPECT_EQ(send().segments, kSegments);
  EXPECT_EQ(script.gso_calls, 0);
  EXPECT_EQ(sender_.counters().gso_fallbacks, 0U);
  EXPECT_EQ(arrived(), kSegments);

  script.missing_option = UDP_GRO;
  open_sender();
  EXPECT_FALSE(sender_.features().gro);
#else
  GTEST_SKIP() << "never has GSO";
#endif
}

TEST_F(NetUdpFallback, PartialPlainSendsAreReported) {
  for (bool mmsg : {true, false}) {
    for (int error : {EAGAIN, ENOBUFS, EHOSTUNREACH}) {
      script = Script();
      SocketOptions options;
      options.gso = false;
      options.mmsg = mmsg;
      open_sender(options);
      script.send_error = error;
      script.send_passes = 4;
      const SendResult result = send();
      EXPECT_EQ(result.segments, 4U);
      EXPECT_EQ(result.status, error == EAGAIN ? IoStatus::kWouldBlock : IoStatus::kError);
      EXPECT_EQ(result.error, error);
      EXPECT_EQ(arrived(), 4U);

      // The caller goes on behind what was taken.
      script.send_error = 0;
      const size_t offset = result.segments * kSegment;
      EXPECT_EQ(sender_
                    .send_train(receiver_.local_address(), data_.data() + offset,
                                data_.size() - offset, kSegment)
                    .segments,
                6U);
      EXPECT_EQ(arrived(), 6U);
    }
  }
}

TEST_F(NetUdpFallback, ABatchTakenInPiecesGoesOutWhole) {
  SocketOptions options;
  options.gso = false;
  open_sender(options);
  script.batch_limit = 3;
  EXPECT_EQ(send().segments, kSegments);
  EXPECT_EQ(arrived(), kSegments);
  EXPECT_EQ(sender_.counters().datagrams_out, kSegments);
  EXPECT_EQ(sender_.counters().bytes_out, data_.size());
}

TEST_F(NetUdpFallback, SendManyStopsAndGoesOnWhenItWouldBlock) {
  for (bool mmsg : {true, false}) {
    script = Script();
    SocketOptions options;
    options.mmsg = mmsg;
    open_sender(options);
    std::vector<OutgoingDatagram> datagrams(100);
    for (OutgoingDatagram& datagram : datagrams) {
      datagram = OutgoingDatagram{receiver_.local_address(), data_.data(), 50, 0};
    }
    script.send_error = EAGAIN;
    script.send_passes = 70;
    const SendManyResult first = sender_.send_many(datagrams.data(), datagrams.size());
    EXPECT_TRUE(first.would_block);
    EXPECT_EQ(first.handled, 70U);
    EXPECT_EQ(first.sent, 70U);
    script.send_error = 0;
    const SendManyResult second =
        sender_.send_many(datagrams.data() + first.handled, datagrams.size() - first.handled);
    EXPECT_FALSE(second.would_block);
    EXPECT_EQ(second.sent, 30U);
    EXPECT_EQ(arrived(), 100U);
  }
}

TEST_F(NetUdpFallback, OneRefusedDestinationDoesNotHoldUpTheOthers) {
  for (bool mmsg : {true, false}) {
    script = Script();
    SocketOptions options;
    options.mmsg = mmsg;
    open_sender(options);
    std::vector<OutgoingDatagram> datagrams(5);
    for (OutgoingDatagram& datagram : datagrams) {
      datagram = OutgoingDatagram{receiver_.local_address(), data_.data(), 50, 0};
    }
    const uint64_t refused_before = sender_.counters().errors_out.not_permitted;
    script.send_error = EPERM;
    script.send_passes = 2;
    const SendManyResult result = sender_.send_many(datagrams.data(), datagrams.size());
    EXPECT_EQ(result.handled, 5U);
    EXPECT_EQ(result.sent, 2U);
    EXPECT_FALSE(result.would_block);
    EXPECT_EQ(datagrams[1].error, 0);
    for (size_t i = 2; i < 5; ++i) EXPECT_EQ(datagrams[i].error, EPERM);
    EXPECT_EQ(sender_.counters().errors_out.not_permitted, refused_before + 3);
    EXPECT_EQ(arrived(), 2U);
  }
}

TEST_F(NetUdpFallback, ForbiddenBatchCallsAreGivenUp) {
  SocketOptions options;
  options.gso = false;
  options.gro = false;
  open_sender(options);
  if (!sender_.features().mmsg) GTEST_SKIP() << "no batch calls here";
  script.batch_error = ENOSYS;
  EXPECT_EQ(send().segments, kSegments);
  EXPECT_FALSE(sender_.features().mmsg);
  EXPECT_EQ(sender_.counters().mmsg_fallbacks, 1U);
  EXPECT_EQ(script.plain_calls, static_cast<int>(kSegments));
  EXPECT_EQ(arrived(), kSegments);

  open_sender(options);
  ASSERT_EQ(
      receiver_.send_train(sender_.local_address(), data_.data(), data_.size(), kSegment).segments,
      kSegments);
  const ReceiveResult result = sender_.receive(&batch_);
  EXPECT_EQ(result.status, IoStatus::kOk);
  EXPECT_EQ(result.datagrams, kSegments);
  EXPECT_FALSE(sender_.features().mmsg);
}

TEST_F(NetUdpFallback, InterruptedCallsAreRepeated) {
  for (bool gso : {true, false}) {
    for (bool mmsg : {true, false}) {
      SocketOptions options;
      options.gso = gso;
      options.gro = gso;
      options.mmsg = mmsg;
      open_sender(options);
      script.interrupts = 3;
      EXPECT_EQ(send().segments, kSegments);
      EXPECT_EQ(script.interrupts, 0);
      EXPECT_EQ(arrived(), kSegments);

      ASSERT_EQ(receiver_.send_train(sender_.local_address(), data_.data(), 5, 5).segments, 1U);
      script.interrupts = 3;
      const ReceiveResult result = sender_.receive(&batch_);
      EXPECT_EQ(result.status, IoStatus::kOk);
      EXPECT_EQ(result.datagrams, 1U);
      EXPECT_EQ(script.interrupts, 0);
    }
  }
}

TEST_F(NetUdpFallback, ReportsAboutSentDatagramsDoNotHideReceivedOnes) {
  for (bool gro : {true, false}) {
    for (bool mmsg : {true, false}) {
      script = Script();
      SocketOptions options;
      options.gro = gro;
      options.mmsg = mmsg;
      open_sender(options);
      const uint64_t before = sender_.counters().errors_in.refused;
      ASSERT_EQ(receiver_.send_train(sender_.local_address(), data_.data(), 5, 5).segments, 1U);
      script.receive_reports = 3;
      EXPECT_EQ(sender_.receive(&batch_).datagrams, 1U);
      EXPECT_EQ(sender_.counters().errors_in.refused, before + 3);

      // But a socket that only reports errors does not spin for ever.
      script.receive_reports = 1 << 20;
      const ReceiveResult result = sender_.receive(&batch_);
      EXPECT_EQ(result.status, IoStatus::kError);
      EXPECT_EQ(result.error, ECONNREFUSED);
    }
  }
}

TEST_F(NetUdpFallback, BufferRequestsAreHalvedUntilTheyPass) {
  script.refused_buffer = 1 << 20;
  SocketOptions options;
  options.receive_buffer_bytes = 4 << 20;
  options.send_buffer_bytes = 512 << 10;
  open_sender(options);
  EXPECT_EQ(sender_.features().receive_buffer_bytes, 1 << 20);
  EXPECT_EQ(sender_.features().send_buffer_bytes, 512 << 10);
}

}  // namespace
}  // namespace hawser::net
