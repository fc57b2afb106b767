#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/network.h"
#include "sim/wire_view.h"
#include "wire/frames.h"
#include "wire/packet.h"

namespace hawser::sim {

// A peer without a brain: sends packets made by hand and keeps what comes back, so that tests can
// say what no honest peer would, and judge answers by their frames. It reaches its victim without a
// link: what it sends arrives at once, and so does what it is sent.
class RawPeer {
 public:
  // Adds itself to the network under an address of its own.
  explicit RawPeer(SimNetwork& network);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  const transport::PathAddress& address() const { return address_; }
  const wire::ConnectionId& local_id() const { return local_id_; }
  const wire::ConnectionId& remote_id() const { return remote_id_; }
  const wire::PeerIdBytes& id() const { return id_; }
  // What ends the session: as its INIT has told the victim, and as the victim has told it.
  const wire::ResetToken& own_reset() const { return own_reset_; }
  const wire::ResetToken& remote_reset() const { return remote_reset_; }
  wire::Parameters& parameters() { return parameters_; }

  // INIT, RESPONSE and a PING. False: no answer.
  bool connect(int victim);
  // An INIT of ours; for tests that change it.
  std::vector<uint8_t> make_init(const wire::PeerIdBytes& responder,
                                 const wire::PeerIdBytes& initiator) const;
  // As above, without the PING that completes it.
  bool start_connecting(int victim);

  // Builds a DATA packet from the frames added with add().
  template <typename Frame>
  RawPeer& add(const Frame& frame) {
    uint8_t* const begin = frames_.data() + used_;
    uint8_t* const after = wire::write(begin, frames_.data() + frames_.size(), frame);
    if (after == nullptr) {
      network_.fail("a frame made by hand does not fit or is invalid");
    } else {
      used_ += static_cast<size_t>(after - begin);
    }
    return *this;
  }
  RawPeer& add_bytes(const std::vector<uint8_t>& bytes);
  // One MESSAGE with `count` messages of `length` bytes each.
  RawPeer& add_messages(uint64_t channel, uint64_t first, uint32_t count, size_t length);
  // Sends it with the next packet number; returns the number.
  uint64_t send();
  // Adds up, and does not let the victim act before the batch is over.
  void send_as(uint64_t number);
  // Any bytes.
  void send_datagram(const std::vector<uint8_t>& bytes);
  // Lets the network carry it.
  void settle() { network_.run_for(0); }
  uint64_t next_number = 1;

  // What came since the last clear().
  std::vector<Captured>& received() { return received_; }
  // Stateless resets; they are not in received().
  const std::vector<std::vector<uint8_t>>& resets() const { return resets_; }
  void clear() {
    received_.clear();
    resets_.clear();
  }
  // How many frames of this type came since.
  size_t count(wire::FrameType type) const;
  // Visits frames of this type, oldest first; the visitor sees the time of the packet.
  template <typename Visit>
  void each(wire::FrameType type, Visit visit) const {
    for (const Captured& captured : received_) {
      each_frame(captured.view(), [&](const wire::Frame& frame) {
        if (frame.type() == type) visit(captured.time, frame);
      });
    }
  }
  // The code of the CLOSE that came; -1: none.
  int64_t close_code() const;
  // Acknowledges every packet received so far.
  RawPeer& add_ack();
  uint64_t largest_received() const { return largest_received_; }

  // --- Network only.
  void on_datagram(const uint8_t* data, size_t length);

 private:
  SimNetwork& network_;
  int victim_ = -1;
  transport::PathAddress address_;
  wire::PeerIdBytes id_{};
  wire::ConnectionId local_id_{};
  wire::ConnectionId remote_id_{};
  wire::ResetToken own_reset_{};
  wire::ResetToken remote_reset_{};
  wire::Parameters parameters_;
  bool answered_ = false;
  std::vector<uint8_t> frames_;
  size_t used_ = 0;
  std::vector<Captured> received_;
  std::vector<std::vector<uint8_t>> resets_;
  uint64_t first_received_ = 0;
  uint64_t largest_received_ = 0;
};

}  // namespace hawser::sim
