#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sim/ledger.h"
#include "sim/wire_view.h"
#include "transport/session.h"
#include "transport/time.h"
#include "transport/types.h"

namespace hawser::sim {

class SimNetwork;
class SimPeer;

// Watches every datagram and stops the run when one breaks the protocol:
//   - packet numbers rise and are never reused; packets are readable and not too long;
//   - an ACK names only packets that reached its sender;
//   - a COUNT names only messages that its sender has in sequence; no base is beyond that;
//   - what was sent costs no more than the credit that has reached the sender;
//   - no message is sent N or more above the first unacknowledged one, none that was not pushed,
//     none that was acknowledged;
//   - data leaves only within the congestion window, but for probes;
//   - what a COUNT has acknowledged is never sent again;
//   - a packet holds one message of a counted channel at most, and nothing of another;
//   - the COUNT of a counted channel comes after M messages in sequence and names a multiple of M
//     above the last one, or it was asked for, or everything up to END is here, or T has passed;
//   - no COUNT comes later than M or T say, no ACK later than the ACK policy and ACK_NOW;
//   - a message whose packet was acknowledged is not sent again (but for "resend all"), none that
//     SKIP gave up is, and acknowledged packets do not move the base of a counted channel;
//   - messages expire neither early nor late; REQUEST names whole gaps, and comes again;
//   - CREDIT gives what was consumed and the window, no more; END and RESET say what was sent.
class WireOracle {
 public:
  explicit WireOracle(SimNetwork& network) : network_(network) {}

  // Before a train with packets of it is judged: who its two sides are.
  void on_packet(const SimPeer& from, const transport::Session& session);
  void on_connect(uint64_t connection_id, int initiator, int responder);
  // `connection_id` of either side. The ledger must outlive the network's last step.
  void watch(uint64_t connection_id, ChannelLedger* ledger);

  // `refused`: its sender will know at once that it never left, and owes what it acknowledged.
  void begin_train(bool refused);
  void on_sent(SimPeer& from, int to, const uint8_t* data, size_t length);
  // A packet that a peer was made to send: its number is used up, what it says is not judged.
  void on_foreign(const uint8_t* data, size_t length);
  void end_train(SimPeer& from);
  // An intact or damaged datagram reaches a peer; it has read it.
  void on_delivered(SimPeer& to, const uint8_t* data, size_t length);
  void after_delivered(SimPeer& to, const uint8_t* data, size_t length);
  // It could not be opened: the keys of a packet that was overtaken by two updates are gone.
  void on_unopened(SimPeer& to, const uint8_t* data, size_t length);

  // Who receives under the connection id of this DATA packet; -1: nobody, or it is another packet.
  int peer_of(const uint8_t* data, size_t length);

  uint64_t data_packets() const { return data_packets_; }

 private:
  // Messages [first, last] of a channel in one packet.
  struct Carried {
    uint64_t channel;
    uint64_t first;
    uint64_t last;
    transport::Time at;
  };

  // Side of a session, by the connection id under which it receives.
  struct Side {
    int peer = -1;
    bool initiator = false;
    uint64_t id = 0;
    uint64_t other = 0;  // 0: not known yet
    // Packets sent by this side.
    bool any_sent = false;
    uint64_t first_number = 0;
    uint64_t next_number = 0;
    uint64_t probes = 0;
    // Packets that reached this side, as a bitmap from the other side's first number on.
    std::vector<uint64_t> arrived;
    uint64_t largest_arrived = 0;
    // Some of them could not be opened, so it is not known what it has read.
    bool unopened = false;
    // Whole messages in packets of this side, by packet number: what acknowledges them.
    std::unordered_map<uint64_t, std::vector<Carried>> carried;
    // Largest number among those.
    uint64_t newest = 0;
    // Packets that came and are to be acknowledged: how many, since when, and until when.
    uint64_t pending = 0;
    transport::Time pending_since = 0;
    transport::Time ack_due_at = transport::kNever;
    bool ack_asked = false;
    // The ACK policy that has reached it.
    uint64_t policy_generation = 0;
    uint64_t policy_packets = 2;
    transport::Duration policy_delay = 0;
    // Initiator: the channels of the session.
    std::unordered_map<uint64_t, ChannelLedger*> channels;
  };

  Side* find(uint64_t id);
  // The direction of `channel` in which `side` sends.
  DirectionLedger* sending(Side& side, uint64_t channel);
  DirectionLedger* receiving(Side& side, uint64_t channel);
  ChannelLedger* ledger(Side& side, uint64_t channel, bool& opened_here);
  void on_handshake(SimPeer& from, const PacketView& view, const uint8_t* data, size_t length);
  void check_frame(Side& side, const wire::Frame& frame);
  void check_ack(Side& side, const wire::Ack& ack);
  void check_count(Side& side, const wire::Count& count);
  void check_data(Side& side, uint64_t channel, uint32_t sequence32, const wire::Message* message,
                  const wire::Fragment* fragment);
  void check_counted(const Side& side, uint64_t channel, DirectionLedger& direction, uint64_t said);
  void check_packing(Side& side, const PacketView& view);
  void note_delivered(Side& side, const wire::Frame& frame);
  void raise_credit(Side& side, uint64_t channel, uint64_t limit);
  // wire_oracle_acks.cc
  bool starved(const Side& side) const;
  const transport::Session* open_session(const Side& side) const;
  void check_ack_due(Side& side);
  void note_arrival(Side& side, const PacketView& view, uint64_t number);
  void note_acknowledged(Side& side, const wire::Ack& ack);
  void note_carried(Side& side, const PacketView& view, uint64_t number);
  void check_count_due(const Side& side, uint64_t channel, DirectionLedger& direction);
  void note_taken(Side& side, const PacketView& view);
  void note_progress(Side& side, const PacketView& view);
  // wire_oracle_control.cc
  void check_end(Side& side, const wire::End& frame);
  void check_reset(Side& side, const wire::Reset& frame);
  void check_credit(Side& side, const wire::Credit& frame);
  void check_skip(Side& side, const wire::Skip& frame);
  void check_request(Side& side, const wire::Request& frame);
  void check_asks_again(const Side& side, uint64_t channel, const DirectionLedger& direction);
  void check_hint(Side& side, const wire::WindowHint& frame);
  void check_repeats(const Side& side, uint64_t channel, const DirectionLedger& direction,
                     uint64_t first, uint64_t last, bool whole);
  static bool all_arrived(const Side& side, uint64_t first, uint64_t last);

  SimNetwork& network_;
  std::unordered_map<uint64_t, Side> sides_;
  uint64_t data_packets_ = 0;
  // What was delivered last is intact, and no copy.
  bool read_ = false;

  // The train that is being sent.
  uint64_t train_side_ = 0;
  uint64_t train_other_bytes_ = 0;
  bool train_has_data_ = false;
  bool train_refused_ = false;
};

}  // namespace hawser::sim
