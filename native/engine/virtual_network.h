// A network without a kernel, for hawser/testing: what hosts send is kept until the owner takes it,
// and reaches a host only when the owner says so. With it come a clock that the owner moves and
// random numbers from a seed, so that a run depends on nothing else.
//
// Which datagram is lost or late is not decided here: see net/impairment.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/datagram_network.h"
#include "net/prng.h"
#include "transport/packet_tap.h"
#include "transport/time.h"
#include "wire/packet.h"

namespace hawser::engine {

class VirtualNetwork final : public DatagramNetwork,
                             public transport::PacketTap,
                             public transport::Random {
 public:
  // One datagram that was sent. The bytes lie in bytes().
  struct Sent {
    const HostSocket* from;
    uint32_t to;  // number of an address
    // DATA only: the full packet number, and the frames before they were protected.
    bool has_frames;
    uint64_t number;
    // And the connection id under which its sender is reached.
    wire::ConnectionId source;
    size_t frames_offset;
    size_t frames_length;
    size_t offset;
    size_t length;
  };

  explicit VirtualNetwork(uint64_t seed) : prng_(seed, kStream) {}

  // Starts at one second, because the core takes 0 for "at once".
  transport::Time now() const { return now_; }
  // Never back.
  void set_now(transport::Time now) {
    if (now > now_) now_ = now;
  }

  // A small number for an address, always the same one.
  uint32_t number_of(const net::Address& address);
  size_t address_count() const { return addresses_.size(); }
  const net::Address& address(uint32_t number) const { return addresses_[number]; }

  const std::vector<Sent>& sent() const { return sent_; }
  const uint8_t* bytes() const { return bytes_.data(); }
  void clear_sent();

  void send(const HostSocket* from, const net::Address& to, const uint8_t* data, size_t length,
            size_t segment_size) override;
  void on_packet(const transport::Session& session, uint64_t number, const uint8_t* frames,
                 size_t length) override;
  void fill(uint8_t* out, size_t length) override;

 private:
  // A stream of numbers of its own, beside those of the impairments.
  static constexpr uint64_t kStream = 100;

  struct Tapped {
    uint64_t number;
    wire::ConnectionId source;
    size_t offset;
    size_t length;
  };

  size_t keep(const uint8_t* data, size_t length);

  transport::Time now_ = transport::kSecond;
  net::Prng prng_;
  std::vector<net::Address> addresses_;
  std::vector<Sent> sent_;
  // Of the train that is being built.
  std::vector<Tapped> tapped_;
  std::vector<uint8_t> bytes_;
};

}  // namespace hawser::engine
