// A path that carries only 1,500 bytes, in a network of its own.

#include "test/unit/net_udp_support.h"

#if HAWSER_NET_LINUX
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace hawser::net {
namespace {

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
  if (receiver.open(loopback(false), SocketOptions()) != 0) return 77;
  if (sender.open(loopback(false), SocketOptions()) != 0) return 77;
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
  if (fragmenting.open(loopback(false), options) != 0) return 7;
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

}  // namespace
}  // namespace hawser::net

#endif  // HAWSER_NET_LINUX
