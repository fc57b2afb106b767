// hawser_ceiling: what this machine's UDP can do at most, between two processes. Each prints a line
// of JSON when it has finished; those that listen print one with their port first.

#include <sched.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <span>

#include "options.h"
#include "ping.h"
#include "stream.h"

int main(int count, char** values) {
  ceiling::Options options;
  const auto wrong = ceiling::read_options(
      std::span(values, static_cast<size_t>(count)).subspan(count > 0 ? 1 : 0), options);
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n%s", wrong.c_str(), ceiling::kUsage);
    return 2;
  }
  // Whoever started it has nobody to report to any more.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (options.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<size_t>(options.cpu), &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) {
      std::perror("hawser_ceiling: --cpu");
      return 1;
    }
  }
  if (options.role == "recv") return ceiling::run_receive(options);
  if (options.role == "send") return ceiling::run_send(options);
  if (options.role == "echo") return ceiling::run_echo(options);
  if (options.role == "ping") return ceiling::run_ping(options);
  std::fprintf(stderr, "%s: recv, send, echo or ping?\n%s", options.role.c_str(), ceiling::kUsage);
  return 2;
}
