#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/prng.h"
#include "sim/application.h"
#include "sim/ledger.h"
#include "sim/network.h"
#include "sim/plan.h"

namespace hawser::sim {

// One side of a channel as its application sees it.
struct SideState {
  transport::Channel* channel = nullptr;
  SimPeer* peer = nullptr;
  bool waiting = false;      // for kChannelWritable, or for a timer to push
  bool finished = false;     // said that nothing follows
  bool refused_run = false;  // a run was refused and must be asked for again
  bool ask_again = false;    // kOnce: was handed something
  bool asleep = false;       // a timer will read on
  bool reset_due = false;
  uint32_t events = 0;   // all that ever came
  bool watched = false;  // kChannelAcknowledged must come
  bool closed = false;
  transport::CloseReason reason;
  uint64_t unacknowledged = 0;
};

struct ChannelRun {
  int index = 0;
  ChannelPlan plan;
  ChannelLedger ledger;
  SideState side[2];
  bool opened = false;
  bool abandoned = false;  // could not be opened: its session was gone
};

struct SessionRun {
  int index = 0;
  SessionPlan plan;
  // Not to be followed once it is closed.
  transport::Session* side[2] = {nullptr, nullptr};
  wire::ConnectionId initiator_id{};
  bool opened[2] = {false, false};
  bool closed[2] = {false, false};
  bool close_asked = false;
  transport::CloseReason reason[2];
};

// The application of all peers: opens sessions and channels as planned, sends, reads, ends, and
// checks that every message comes once, in order and whole, and that channels end as they should.
class Workload final : public Application {
 public:
  explicit Workload(SimNetwork& network);

  int add_session(const SessionPlan& plan);
  int add_channel(const ChannelPlan& plan);

  // Sessions and channels may fail with these (memory runs out, the path dies): not an error of the
  // run. Messages are still checked.
  void allow_failure(bool allow) { failure_allowed_ = allow; }

  // Then one of the peers sends something that breaks the protocol; `luck` chooses what. Sessions
  // and channels may fail from then on.
  void lie_at(transport::Time when, uint64_t luck);

  // Runs until every planned session is closed. Nothing done for `patience` is a failure.
  bool run(transport::Duration patience = 60 * transport::kSecond);
  // Runs until done(); false when it takes longer than `limit` or fails.
  bool all_channels_closed() const;
  bool all_sessions_closed() const;

  ChannelRun& channel(int index) { return *channels_[static_cast<size_t>(index)]; }
  SessionRun& session(int index) { return *sessions_[static_cast<size_t>(index)]; }
  // What the peer needs while its channels are empty, at most, bytes; and what it has to keep now
  // because it is not acknowledged, not handed over or incomplete.
  size_t idle_bytes(int peer) const;
  size_t held_bytes(int peer) const;
  uint64_t progress() const { return progress_; }
  uint64_t delivered() const { return delivered_; }
  // Sessions and channels that failed, when that is allowed.
  uint64_t failures() const { return failures_; }
  // Times that a peer got another address.
  uint64_t moves() const { return moves_; }
  // Sessions given up because the path carried nothing.
  uint64_t dead_paths() const { return dead_paths_; }

  // Reads on, for plans that paused or never read.
  void resume_reading(int channel, int side);
  // What is not done yet, for a person who looks for the reason.
  std::string unfinished() const;

  void on_session(SimPeer& peer, transport::Session& session, uint32_t events) override;
  void on_channel(SimPeer& peer, transport::Channel& channel, uint32_t events) override;
  bool take(SimPeer& peer, transport::Channel& channel, uint64_t first, const uint8_t* run,
            size_t length, uint32_t count) override;
  void on_timer(SimPeer& peer, uint64_t tag) override;
  void after_batch(SimPeer& peer) override;

 private:
  enum class Timer : uint8_t {
    kConnect,
    kOpen,
    kPush,
    kRead,
    kCloseSession,
    kMove,
    kBothMove,
    kLie,
    kLieSeen
  };
  static constexpr transport::Duration kRetry = 10 * transport::kMillisecond;

  static uint64_t tag(Timer kind, int index, int side) {
    return static_cast<uint64_t>(kind) << 56 | static_cast<uint64_t>(index) << 1 |
           static_cast<uint64_t>(side);
  }
  int peer_of(const ChannelRun& run, int side) const;
  static bool all_delivered(const DirectionLedger& direction);
  // A message of a direction in which some may be left out. False: it is wrong.
  bool take_tagged(transport::Channel& channel, DirectionLedger& incoming, const uint8_t* body,
                   size_t size);
  void set_timer(transport::Duration after, Timer kind, int index, int side, int peer);

  void connect(SessionRun& run);
  void move(SessionRun& run, size_t which);
  void both_move(SessionRun& run);
  bool may_move(int peer, bool& never) const;
  void open(ChannelRun& run);
  void on_incoming(SimPeer& peer, transport::Channel& channel);
  void start(ChannelRun& run, int side);
  void push(ChannelRun& run, int side);
  void check_flush(transport::Channel& channel, const DirectionLedger& outgoing);
  void finish(ChannelRun& run, int side);
  void ask(ChannelRun& run, int side, transport::Demand demand);
  void start_reading(ChannelRun& run, int side);
  void read_on(ChannelRun& run, int side);
  void on_readable(ChannelRun& run, int side);
  void on_ended(ChannelRun& run, int side);
  void on_closed(ChannelRun& run, int side);
  // workload_lies.cc
  void lie();
  void check_lie();
  void check_rest();
  void close_session(SessionRun& run, int side);
  void maybe_close_session(SessionRun& run);
  bool timed_out_rightly(const SessionRun& run, int side, const transport::CloseReason& reason);
  void bind(ChannelRun& run, int side, SimPeer& peer, transport::Channel& channel);

  SimNetwork& network_;
  net::Prng prng_;
  std::vector<std::unique_ptr<SessionRun>> sessions_;
  std::vector<std::unique_ptr<ChannelRun>> channels_;
  // Sides that must act once their peer is idle, as channel * 2 + side.
  std::vector<int> due_;
  std::vector<uint8_t> scratch_;
  bool failure_allowed_ = false;
  uint64_t lie_ = 0;
  int lied_on_ = -1;  // the channel
  uint64_t progress_ = 0;
  uint64_t delivered_ = 0;
  uint64_t failures_ = 0;
  uint64_t dead_paths_ = 0;
  uint64_t moves_ = 0;
  transport::Time quiet_until_ = 0;  // a pause that the plan asks for
};

}  // namespace hawser::sim
