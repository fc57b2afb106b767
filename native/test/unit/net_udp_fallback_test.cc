// What UdpSocket does when the kernel refuses: system calls are replaced by ones that fail on
// order.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "net/udp_socket.h"

#if HAWSER_NET_LINUX
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace hawser::net {
namespace {

// What the replaced calls do; reset before each test.
struct Script {
  int gso_error = 0;             // for every sendmsg with a control message
  int send_error = 0;            // for every other send, once send_passes datagrams went out
  int send_passes = 1 << 30;     // datagrams that pass before send_error
  int interrupts = 0;            // sends and receives that are interrupted first
  int batch_error = 0;           // for sendmmsg and recvmmsg
  int batch_limit = 1 << 30;     // most datagrams that one sendmmsg takes
  int receive_reports = 0;       // receives that fail with ECONNREFUSED first
  int missing_option = -1;       // a socket option that does not exist
  int refused_buffer = 1 << 30;  // buffer requests above this fail
  int gso_calls = 0;
  int plain_calls = 0;
};
Script script;

int fail(int error) {
  errno = error;
  return -1;
}

bool interrupted() { return script.interrupts > 0 && script.interrupts-- > 0; }

ssize_t scripted_sendmsg(int fd, const msghdr* message, int flags) {
  if (interrupted()) return fail(EINTR);
  if (message->msg_controllen > 0) {
    ++script.gso_calls;
    if (script.gso_error != 0) return fail(script.gso_error);
  } else {
    ++script.plain_calls;
    if (script.send_passes <= 0 && script.send_error != 0) return fail(script.send_error);
    --script.send_passes;
  }
  return ::sendmsg(fd, message, flags);
}

ssize_t scripted_recvmsg(int fd, msghdr* message, int flags) {
  if (interrupted()) return fail(EINTR);
  if (script.receive_reports > 0) {
    --script.receive_reports;
    return fail(ECONNREFUSED);
  }
  return ::recvmsg(fd, message, flags);
}

#if HAWSER_NET_LINUX
int scripted_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (interrupted()) return fail(EINTR);
  if (script.batch_error != 0) return fail(script.batch_error);
  ++script.plain_calls;
  if (script.send_passes <= 0 && script.send_error != 0) return fail(script.send_error);
  // The kernel stops in front of the one that fails and reports it at the next call.
  int limit = std::min(script.batch_limit, static_cast<int>(count));
  if (script.send_error != 0) limit = std::min(limit, script.send_passes);
  script.send_passes -= limit;
  return ::sendmmsg(fd, messages, static_cast<unsigned>(limit), flags);
}

int scripted_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (interrupted()) return fail(EINTR);
  if (script.batch_error != 0) return fail(script.batch_error);
  if (script.receive_reports > 0) {
    --script.receive_reports;
    return fail(ECONNREFUSED);
  }
  return ::recvmmsg(fd, messages, count, flags, nullptr);
}
#endif

int scripted_getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  if (name == script.missing_option && level != SOL_SOCKET) return fail(ENOPROTOOPT);
  return ::getsockopt(fd, level, name, value, length);
}

int scripted_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (name == script.missing_option && level != SOL_SOCKET) return fail(ENOPROTOOPT);
  if (level == SOL_SOCKET && script.refused_buffer < 1 << 30) {
    int request = 0;
    std::memcpy(&request, value, sizeof(request));
    if (name != SO_RCVBUF && name != SO_SNDBUF) return fail(EPERM);
    if (request > script.refused_buffer) return fail(ENOBUFS);
  }
  return ::setsockopt(fd, level, name, value, length);
}

constexpr SocketCalls kScriptedCalls = {
    scripted_sendmsg,    scripted_recvmsg,
#if HAWSER_NET_LINUX
    scripted_sendmmsg,   scripted_recvmmsg,
#endif
    scripted_getsockopt, scripted_setsockopt,
};

Address loopback() {
  Address address;
  EXPECT_TRUE(Address::parse("127.0.0.1", 0, &address));
  return address;
}

class NetUdpFallback : public testing::Test {
 protected:
  static constexpr size_t kSegment = 1200;
  static constexpr size_t kSegments = 10;

  void SetUp() override {
    script = Script();
    ASSERT_EQ(receiver_.open(loopback(), SocketOptions()), 0);
    ASSERT_TRUE(batch_.init());
    data_.resize(kSegments * kSegment);
    for (size_t i = 0; i < data_.size(); ++i) data_[i] = static_cast<uint8_t>(i / kSegment);
  }

  void open_sender(SocketOptions options = SocketOptions()) {
    options.calls = &kScriptedCalls;
    ASSERT_EQ(sender_.open(loopback(), options), 0);
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

#if HAWSER_NET_LINUX

// Runs in a forked child, in a network of its own whose loopback carries only 1,500 bytes. Returns
// the exit code: 0 fine, 77 not possible here, otherwise the number of the check that failed.
int send_over_small_mtu() {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return 77;
  const int control = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_mtu = 1500;
  if (ioctl(control, SIOCSIFMTU, &request) != 0) return 77;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(control, SIOCSIFFLAGS, &request) != 0) return 77;

  UdpSocket sender;
  UdpSocket receiver;
  if (receiver.open(loopback(), SocketOptions()) != 0) return 77;
  if (sender.open(loopback(), SocketOptions()) != 0) return 77;
  if (!sender.features().gso) return 77;
  const std::vector<uint8_t> data(65536, 7);
  const Address to = receiver.local_address();

  // 1,472 bytes of payload fit; one more does not, neither as a train nor alone, and GSO stays.
  if (sender.send_train(to, data.data(), size_t{1472} * 20, 1472).segments != 20) return 1;
  SendResult result = sender.send_train(to, data.data(), size_t{1473} * 20, 1473);
  if (result.status != IoStatus::kError || result.error != EMSGSIZE || result.segments != 0) {
    return 2;
  }
  result = sender.send_train(to, data.data(), 1473, 1473);
  if (result.error != EMSGSIZE) return 3;
  if (!sender.features().gso || sender.counters().gso_fallbacks != 0) return 4;
  if (sender.counters().errors_out.too_big == 0) return 5;

  // A short tail may exceed nothing; the socket goes on.
  if (sender.send_train(to, data.data(), size_t{3601}, 1200).segments != 4) return 6;

  // Without don't-fragment the kernel would cut it up.
  SocketOptions options;
  options.dont_fragment = false;
  options.gso = false;
  UdpSocket fragmenting;
  if (fragmenting.open(loopback(), options) != 0) return 7;
  if (fragmenting.send_train(to, data.data(), 5000, 5000).segments != 1) return 8;

  ReceiveBatch batch;
  if (!batch.init()) return 9;
  size_t datagrams = 0;
  size_t bytes = 0;
  for (;;) {
    const ReceiveResult received = receiver.receive(&batch);
    if (received.status != IoStatus::kOk) break;
    datagrams += received.datagrams;
    bytes += received.bytes;
  }
  return datagrams == 25 && bytes == size_t{1472} * 20 + 3601 + 5000 ? 0 : 10;
}

TEST(NetUdpSmallMtu, SegmentsAboveTheMtuAreRefused) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(send_over_small_mtu());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no network namespaces or no GSO here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

#endif  // HAWSER_NET_LINUX

}  // namespace
}  // namespace hawser::net
