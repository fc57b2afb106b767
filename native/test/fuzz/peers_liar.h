#pragma once

#include "test/fuzz/frame_maker.h"
#include "test/fuzz/peers_wire.h"

namespace hawser::fuzz {

// What the two never said: packets that are changed or made up, in the name of one of them or of
// somebody else.
class Liar : protected Wire {
 protected:
  using Wire::Wire;

  // Changes the frames of the next packet for `to`.
  void damage(size_t to) {
    auto& queue = queue_[to];
    wire::DataHeader header{};
    if (queue.empty() ||
        !wire::read_data_header(queue.front().clear.data(), queue.front().clear.size(), header)) {
      return;
    }
    truth_.lied = true;
    Bytes packet = std::move(queue.front().clear);
    queue.pop_front();
    const Bytes tag(packet.end() - wire::kTagBytes, packet.end());
    Bytes frames(packet.begin() + wire::kHeaderBytes, packet.end() - wire::kTagBytes);
    packet.resize(wire::kHeaderBytes);
    const uint8_t how = script_.u8() % 4;
    if (how == 0) {
      const size_t bit = script_.u16() % (frames.size() * 8);
      frames[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    } else {
      // At a frame: take it away, put one before it, or both.
      const std::vector<size_t> starts = frame_starts(frames);
      const size_t frame = script_.u8() % (starts.size() - 1);
      Bytes added;
      if (how != 1) maker(to).add(added);
      const auto at = frames.begin() + static_cast<ptrdiff_t>(starts[frame]);
      const auto place =
          how == 2
              ? at
              : frames.erase(at, at + static_cast<ptrdiff_t>(starts[frame + 1] - starts[frame]));
      frames.insert(place, added.begin(), added.end());
    }
    if (protected_.on) {
      send_sealed(to, frames);
      return;
    }
    packet.insert(packet.end(), frames.begin(), frames.end());
    packet.insert(packet.end(), tag.begin(), tag.end());
    arrive(to, packet);
  }

  // Where each frame begins, and the end; at least two numbers.
  static std::vector<size_t> frame_starts(const Bytes& frames) {
    std::vector<size_t> starts{0};
    wire::FrameReader reader(frames.data(), frames.size());
    wire::Frame frame;
    while (reader.next(frame) == wire::FrameReader::Next::kFrame) {
      starts.push_back(static_cast<size_t>(reader.position() - frames.data()));
    }
    if (starts.back() != frames.size()) starts.push_back(frames.size());
    return starts;
  }

  FrameMaker maker(size_t victim) { return FrameMaker(script_, latest_[victim].number); }

  // A packet that the other side has not sent.
  void send_frames(size_t to, const Bytes& frames) {
    const size_t from = 1 - to;
    if (!has_latest_[from] || frames.empty()) return;
    truth_.lied = true;
    if (protected_.on) {
      send_sealed(to, frames);
      return;
    }
    wire::DataHeader header = latest_[from];
    // The real one with this number will then be taken for a repetition.
    header.number += 1 + script_.below(3);
    latest_[from].number = header.number;
    Bytes packet(wire::kHeaderBytes);
    wire::write_data_header(packet.data(), header);
    packet.insert(packet.end(), frames.begin(), frames.end());
    packet.resize(packet.size() + wire::kTagBytes);
    arrive(to, packet);
  }

  void send_sealed(size_t to, const Bytes& frames) {
    const Bytes packet = frames.empty() ? Bytes() : peers_[1 - to].seal(now_, frames);
    if (!packet.empty()) arrive(to, packet);
  }

  void speak(size_t to) {
    Bytes frames;
    FrameMaker frame_maker = maker(to);
    for (uint32_t count = 1 + script_.below(4); count != 0; count--) frame_maker.add(frames);
    send_frames(to, frames);
  }

  void raw(size_t to) {
    size_t length = 0;
    const uint8_t* bytes = script_.bytes(script_.u8(), length);
    send_frames(to, Bytes(bytes, bytes + length));
  }

  // Somebody else sends something, or in the name of the other side.
  void strange(size_t to) {
    const uint8_t how = script_.u8();
    const bool right = (how & 32) != 0;
    const wire::PeerIdBytes victim = peers_[to].endpoint().id();
    const auto& sessions = peers_[to].sessions();
    Bytes datagram;
    switch (how & 7) {
      case 0:
        datagram = stranger_.init(victim);
        stranger_.sign(victim, datagram);
        break;
      case 1:
      case 2:
        datagram = (how & 7) == 1 ? stranger_.init(victim) : init_[1 - to];
        stranger_.change(datagram);
        if (right) stranger_.sign(victim, datagram);
        break;
      case 3:
        datagram = response_[1 - to];
        stranger_.change(datagram);
        break;
      case 4:
        datagram = stranger_.cookie(init_[to], peers_[1 - to].endpoint().id(), right);
        break;
      case 5:
        // The token that the other side has told.
        datagram = stranger_.reset(
            sessions.empty() ? wire::ResetToken{} : sessions[0]->remote_reset(), right);
        if (right) truth_.lied = true;
        break;
      case 6:
        peers_[to].holds_handshakes = !peers_[to].holds_handshakes;
        return;
      default: {
        size_t length = 0;
        const uint8_t* bytes = script_.bytes(script_.u8(), length);
        datagram.assign(bytes, bytes + length);
        if (right && !datagram.empty()) datagram[0] = uint8_t(0x80 + 0x10 * (how >> 6));
        if ((how & 8) != 0) datagram.resize(wire::kInitBytes);
        break;
      }
    }
    if ((how & 16) != 0) {
      // What is protected does not believe it.
      if (!protected_.on) truth_.lied = true;
      arrive(to, datagram);
    } else {
      stranger_sent_ += datagram.size();
      peers_[to].receive(now_, FuzzPeer::address_of(Stranger::kNumber), datagram);
    }
  }
};

}  // namespace hawser::fuzz
