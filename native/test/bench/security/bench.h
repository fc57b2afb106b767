// What the parts of the security bench share: rows of the table in the end, processor time, and a
// transfer to be disturbed.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "sim/network.h"
#include "sim/workload.h"

namespace hawser::sim {

enum class Verdict : uint8_t {
  kFigure,  // only told
  kOk,      // within the limit or the aim
  kMissed,  // an aim that is missed: told, no failure
  kFailed,  // a limit that is broken
};

struct Row {
  std::string line;
  std::string figure;
  std::string limit;
  Verdict verdict;
};

const std::vector<Row>& rows();
// Divides the counts.
extern uint64_t scale;

[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...);
// Something to know.
void tell(const std::string& line, const std::string& figure);
// Something that must be so.
void limit(const std::string& line, const std::string& figure, const std::string& limit,
           bool holds);
// Something that should be so.
void aim(const std::string& line, const std::string& figure, const std::string& aim, bool met);
// What must be so for the figures to mean anything; a row only when it is not.
[[gnu::format(printf, 2, 3)]] void expect(bool holds, const char* format, ...);
// A row that says what `count` of something cost, with the aim of 10 % of a core at 50,000 a
// second.
void cost(const std::string& line, uint64_t count, double seconds);

// Processor time of this thread: what else the machine does is not in it. Seconds.
double processor_time();
// Resident memory of this process, KiB.
long resident();

// An address that is nobody's in the network.
transport::PathAddress address_number(uint64_t number);
bool is_address_number(const transport::PathAddress& address);

struct TransferOptions {
  uint64_t messages = 0;
  // One message a packet.
  bool counted = false;
  // Pushes so many, then waits.
  uint32_t burst = 0;
  transport::Duration gap = 0;
};

// Peer 0 sends messages to peer 1, whose session is attacked.
class Transfer {
 public:
  Transfer(uint64_t seed, const TransferOptions& options);

  SimNetwork& network() { return network_; }
  SimPeer& client() { return network_.peer(0); }
  SimPeer& server() { return network_.peer(1); }
  uint64_t delivered() const { return workload_.delivered(); }
  // The server's session, once it is open, until it closes; else nullptr.
  transport::Session* session();
  // Until everything is done; between the steps, `attack` has its turn.
  template <typename Attack>
  void run(Attack attack) {
    while (!workload_.all_sessions_closed() && network_.step()) attack();
    finish();
  }

 private:
  void finish();

  SimNetwork network_;
  Workload workload_;
  uint64_t messages_;
};

// The parts, each of which adds rows.
void handshakes();
void spoofed_inits();
void invalid_inits();
void forged_at_rest();
void forged_in_transfer();
void replayed_packets();
void idle_sessions();

}  // namespace hawser::sim
