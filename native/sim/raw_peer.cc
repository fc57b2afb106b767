#include "sim/raw_peer.h"

#include <algorithm>
#include <cstring>

#include "sim/clear_security.h"
#include "transport/init_guard.h"
#include "wire/endian.h"

namespace hawser::sim {

RawPeer::RawPeer(SimNetwork& network) : network_(network), frames_(70'000) {
  const uint64_t number = network.add_raw(this);
  address_.bytes[0] = 0x52;
  wire::store_u32(address_.bytes + 1, static_cast<uint32_t>(number));
  std::memset(id_.bytes, 0x5a, sizeof id_.bytes);
  wire::store_u32(id_.bytes, static_cast<uint32_t>(number));
  local_id_ = wire::ConnectionId::from_u64(0x5152'5354'0000'0000 + number);
  // Not what packets without protection end with.
  std::memset(own_reset_.bytes, 0x5b, sizeof own_reset_.bytes);
  wire::store_u32(own_reset_.bytes, static_cast<uint32_t>(number));
  parameters_.max_channels = 1'000;
}

RawPeer::~RawPeer() { network_.remove_raw(this); }

std::vector<uint8_t> RawPeer::make_init(const wire::PeerIdBytes& responder,
                                        const wire::PeerIdBytes& initiator) const {
  std::vector<uint8_t> bytes(wire::kInitBytes);
  wire::InitHeader header;
  header.source = local_id_;
  wire::write_init_header(bytes.data(), header);
  wire::InitPayload payload{};
  payload.initiator = initiator;
  payload.reset = own_reset_;
  payload.parameters = parameters_;
  if (!wire::write_init_payload(wire::init_message(bytes.data()), payload)) {
    network_.fail("parameters made by hand are invalid");
  }
  uint8_t key[crypto::SipHash::kKeyBytes];
  ClearSecurity::key_of(responder, key);
  transport::InitGuard::sign_mac1(key, bytes.data());
  return bytes;
}

bool RawPeer::start_connecting(int victim) {
  victim_ = victim;
  const std::vector<uint8_t> bytes = make_init(SimPeer::id_of(victim), id_);
  send_datagram(bytes);
  settle();
  return answered_;
}

bool RawPeer::connect(int victim) {
  if (!start_connecting(victim)) return false;
  add(wire::Ping{}).send();
  settle();
  return true;
}

RawPeer& RawPeer::add_bytes(const std::vector<uint8_t>& bytes) {
  std::copy(bytes.begin(), bytes.end(), frames_.begin() + static_cast<long>(used_));
  used_ += bytes.size();
  return *this;
}

RawPeer& RawPeer::add_messages(uint64_t channel, uint64_t first, uint32_t count, size_t length) {
  std::vector<uint8_t> run(count * (length + 8));
  uint8_t* out = run.data();
  for (uint32_t i = 0; i < count; i++) {
    out = wire::write_varint(out, length);
    std::memset(out, static_cast<int>(first + i), length);
    out += length;
  }
  wire::Message message{};
  message.channel = channel;
  message.sequence32 = static_cast<uint32_t>(first);
  message.data = run.data();
  message.length = static_cast<size_t>(out - run.data());
  return add(message);
}

uint64_t RawPeer::send() {
  const uint64_t number = next_number++;
  send_as(number);
  return number;
}

void RawPeer::send_as(uint64_t number) {
  std::vector<uint8_t> bytes(wire::kPacketOverhead + used_);
  uint8_t* out = wire::write_data_header(
      bytes.data(), wire::DataHeader{remote_id_, static_cast<uint32_t>(number)});
  std::memcpy(out, frames_.data(), used_);
  used_ = 0;
  send_datagram(bytes);
}

void RawPeer::send_datagram(const std::vector<uint8_t>& bytes) {
  network_.inject(network_.now(), address_, victim_, bytes.data(), bytes.size());
}

void RawPeer::on_datagram(const uint8_t* data, size_t length) {
  Captured captured;
  captured.time = network_.now();
  captured.from = victim_;
  captured.bytes.assign(data, data + length);
  // Looks like DATA, for an id that is nobody's.
  wire::ConnectionId destination;
  if (wire::read_destination(data, length, destination) && !(destination == local_id_)) {
    resets_.push_back(captured.bytes);
    return;
  }
  PacketView view;
  if (!view_packet(data, length, view)) {
    network_.fail("a peer answered with what is not a packet");
    return;
  }
  if (view.type == wire::PacketType::kResponse) {
    wire::ResponseHeader header;
    wire::ResponsePayload payload;
    const uint8_t* message = nullptr;
    size_t message_length = 0;
    if (wire::read_response(data, length, header, message, message_length) &&
        wire::read_response_payload(message, message_length - wire::kSecondMessageOverhead,
                                    payload)) {
      remote_id_ = payload.source;
      remote_reset_ = payload.reset;
      answered_ = true;
    }
  } else if (view.type == wire::PacketType::kData) {
    if (largest_received_ == 0) first_received_ = view.number32;
    largest_received_ = std::max<uint64_t>(largest_received_, view.number32);
  }
  received_.push_back(std::move(captured));
}

size_t RawPeer::count(wire::FrameType type) const {
  size_t found = 0;
  each(type, [&](transport::Time, const wire::Frame&) { found++; });
  return found;
}

int64_t RawPeer::close_code() const {
  int64_t code = -1;
  each(wire::FrameType::kClose, [&](transport::Time, const wire::Frame& frame) {
    code = static_cast<int64_t>(frame.close.code);
  });
  return code;
}

RawPeer& RawPeer::add_ack() {
  if (largest_received_ == 0) return *this;
  wire::Ack ack;
  ack.delay_us = 0;
  ack.range_count = 1;
  ack.ranges[0] = {first_received_, largest_received_};
  return add(ack);
}

}  // namespace hawser::sim
