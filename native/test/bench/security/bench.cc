#include "test/bench/security/bench.h"

#include <time.h>
#include <unistd.h>

#include <cstdarg>

namespace hawser::sim {

uint64_t scale = 1;

namespace {

std::vector<Row>& all_rows() {
  static std::vector<Row> all;
  return all;
}

std::string format_text(const char* format, va_list arguments) {
  char buffer[512];
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  return buffer;
}

}  // namespace

const std::vector<Row>& rows() { return all_rows(); }

std::string text(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string made = format_text(format, arguments);
  va_end(arguments);
  return made;
}

void tell(const std::string& line, const std::string& figure) {
  all_rows().push_back({line, figure, "", Verdict::kFigure});
}

void limit(const std::string& line, const std::string& figure, const std::string& limit,
           bool holds) {
  all_rows().push_back({line, figure, limit, holds ? Verdict::kOk : Verdict::kFailed});
}

void aim(const std::string& line, const std::string& figure, const std::string& aim, bool met) {
  all_rows().push_back({line, figure, aim, met ? Verdict::kOk : Verdict::kMissed});
}

void expect(bool holds, const char* format, ...) {
  if (holds) return;
  va_list arguments;
  va_start(arguments, format);
  all_rows().push_back({"went wrong", format_text(format, arguments), "", Verdict::kFailed});
  va_end(arguments);
}

void cost(const std::string& line, uint64_t count, double seconds) {
  const double each = seconds * 1e9 / static_cast<double>(count);
  const double share = each * 50'000 / 1e7;
  aim(line, text("%.0f ns, %.1f %% of a core at 50,000/s", each, share), "aim: < 10 %", share < 10);
}

double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

long resident() {
  long pages = 0;
  long all = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld %ld", &all, &pages) != 2) pages = 0;
  std::fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

transport::PathAddress address_number(uint64_t number) {
  transport::PathAddress address;
  address.bytes[0] = 0x54;
  wire::store_u64(address.bytes + 1, number * 0x9e3779b97f4a7c15);
  return address;
}

bool is_address_number(const transport::PathAddress& address) { return address.bytes[0] == 0x54; }

Transfer::Transfer(uint64_t seed, const TransferOptions& options)
    : network_(seed), workload_(network_), messages_(options.messages) {
  network_.set_protection(Protection::kAes256Gcm);
  network_.set_judged(false);
  network_.add_peer();
  network_.add_peer();
  SessionPlan session;
  session.connect_at = network_.now();
  ChannelPlan channel;
  channel.session = workload_.add_session(session);
  channel.open_at = network_.now();
  SidePlan& side = channel.side[0];
  side.messages = options.messages;
  side.sizes = {SizeProfile::kSmall, 0};
  side.burst = options.burst;
  side.gap = options.gap;
  side.config.counted = options.counted;
  if (options.counted) side.config.window = 1'000;
  workload_.add_channel(channel);
}

transport::Session* Transfer::session() {
  transport::Session* found = nullptr;
  server().endpoint().each_session([&](transport::Session* session) {
    if (session->open()) found = session;
  });
  return found;
}

void Transfer::finish() {
  expect(!network_.failed(), "%s", network_.failure().c_str());
  expect(workload_.delivered() == messages_, "%" PRIu64 " of %" PRIu64 " messages came",
         workload_.delivered(), messages_);
}

}  // namespace hawser::sim
