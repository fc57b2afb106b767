// What strangers can cost a peer, and what handshakes and idle sessions cost: a table of figures,
// and exit code 1 where a limit is broken. Without sockets: what the kernel charges for a datagram
// comes on top (bench/security/flood.mjs shows both together).
//   BUILD/hawser_security_bench [--small] [--rows]
// --rows: the table for bench/security/run.mjs, with tabs between.

#include <cstring>

#include "test/bench/security/bench.h"

namespace {

const char* word(hawser::sim::Verdict verdict) {
  switch (verdict) {
    case hawser::sim::Verdict::kFigure:
      return "";
    case hawser::sim::Verdict::kOk:
      return "ok";
    case hawser::sim::Verdict::kMissed:
      return "missed";
    case hawser::sim::Verdict::kFailed:
      return "FAILED";
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  using namespace hawser::sim;
  bool tabs = false;
  for (int i = 1; i < argc; i++) {
    if (std::strcmp(argv[i], "--small") == 0) scale = 50;
    if (std::strcmp(argv[i], "--rows") == 0) tabs = true;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  bool all_well = true;
  size_t shown = 0;
  for (const auto part : {handshakes, spoofed_inits, invalid_inits, forged_at_rest,
                          forged_in_transfer, replayed_packets, idle_sessions}) {
    part();
    for (; shown < rows().size(); shown++) {
      const Row& row = rows()[shown];
      std::printf(tabs ? "row\t%s\t%s\t%s\t%s\n" : "%-56s %-44s %-26s %s\n", row.line.c_str(),
                  row.figure.c_str(), row.limit.c_str(), word(row.verdict));
      all_well = all_well && row.verdict != Verdict::kFailed;
    }
  }
  return all_well ? 0 : 1;
}
