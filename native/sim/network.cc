#include "sim/network.h"

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "sim/raw_peer.h"

namespace hawser::sim {

using transport::PathAddress;
using transport::Time;

namespace {

uint64_t link_key(int from, int to) {
  return static_cast<uint64_t>(from) << 32 | static_cast<uint32_t>(to);
}

}  // namespace

SimNetwork::SimNetwork(uint64_t seed) : seed_(seed), oracle_(*this) {}
SimNetwork::~SimNetwork() = default;

SimPeer& SimNetwork::add_peer(const transport::EndpointConfig& config) {
  peers_.push_back(std::make_unique<SimPeer>(*this, peer_count(), config));
  touched_.push_back(0);
  return *peers_.back();
}

void SimNetwork::set_link(int from, int to, const LinkOptions& options) {
  links_.insert_or_assign(link_key(from, to), Link(options));
}

Link& SimNetwork::link(int from, int to) { return links_[link_key(from, to)]; }

void SimNetwork::set_links(int a, int b, const LinkOptions& options) {
  LinkOptions one = options;
  one.impairment.seed = seed_ * 7919 + link_key(a, b);
  set_link(a, b, one);
  one.impairment.seed = seed_ * 7919 + link_key(b, a);
  set_link(b, a, one);
}

void SimNetwork::set_up(int a, int b, bool up) {
  link(a, b).set_up(up);
  link(b, a).set_up(up);
}

bool SimNetwork::path_seemed_dead(int a, int b, transport::Duration idle_timeout) {
  for (const auto& [one, other] : broken_) {
    if ((one == a && other == b) || (one == b && other == a)) return true;
  }
  const Time last = std::max(link(a, b).last_dead_at(), link(b, a).last_dead_at());
  return last != 0 && now_ - last <= idle_timeout;
}

void SimNetwork::readdress(int index, bool old_works) { peer(index).readdress(old_works); }

bool SimNetwork::refuses(int from, int to, size_t size) {
  return to >= 0 && to < peer_count() && link(from, to).refuses(now_, size);
}

size_t SimNetwork::add_drop_rule(const DropRule& rule) {
  rules_.push_back(rule);
  return rules_.size() - 1;
}

void SimNetwork::set_timer(Time when, int peer, uint64_t tag) {
  Event event{};
  event.time = std::max(when, now_);
  event.tag = tag;
  event.peer = peer;
  event.buffer = -1;
  push(event);
}

void SimNetwork::inject(Time when, const PathAddress& from, int to, const uint8_t* data,
                        size_t length, const uint8_t* clear) {
  Event event{};
  event.time = std::max(when, now_);
  event.peer = to;
  event.sender = -1;
  event.buffer = keep(data, length, clear == nullptr ? data : clear);
  event.from = from;
  push(event);
}

uint64_t SimNetwork::add_raw(RawPeer* raw) {
  raws_.push_back(raw);
  return raws_.size() - 1;
}

void SimNetwork::remove_raw(RawPeer* raw) {
  std::replace(raws_.begin(), raws_.end(), raw, static_cast<RawPeer*>(nullptr));
}

int32_t SimNetwork::keep(const uint8_t* data, size_t length, const uint8_t* clear) {
  if (free_buffers_.empty()) {
    free_buffers_.push_back(static_cast<int32_t>(buffers_.size()));
    buffers_.emplace_back();
  }
  const int32_t index = free_buffers_.back();
  free_buffers_.pop_back();
  Buffer& buffer = buffers_[static_cast<size_t>(index)];
  buffer.bytes.assign(data, data + length);
  buffer.clear.clear();
  if (clear != nullptr) buffer.clear.assign(clear, clear + length);
  return index;
}

void SimNetwork::push(const Event& event) {
  events_.push_back(event);
  events_.back().order = next_order_++;
  std::push_heap(events_.begin(), events_.end(), later);
}

Time SimNetwork::next_event() const {
  Time next = events_.empty() ? transport::kNever : events_.front().time;
  for (const auto& peer : peers_) next = std::min(next, peer->next_timeout());
  return std::max(next, now_);
}

bool SimNetwork::step() {
  // More steps at one moment than any honest work takes.
  constexpr uint64_t kTooManySteps = 1'000'000;
  if (failed()) return false;
  const Time next = next_event();
  if (next == transport::kNever) return false;
  if (next > now_) {
    now_ = next;
    steps_at_now_ = 0;
  } else if (++steps_at_now_ > kTooManySteps) {
    fail("time stands still");
    return false;
  }
  for (size_t i = 0; i < peers_.size(); i++) touched_[i] = peers_[i]->next_timeout() <= now_;
  while (!events_.empty() && events_.front().time <= now_) {
    std::pop_heap(events_.begin(), events_.end(), later);
    const Event event = events_.back();
    events_.pop_back();
    deliver(event);
    touched_[static_cast<size_t>(event.peer)] = 1;
    if (failed()) return false;
  }
  for (size_t i = 0; i < peers_.size(); i++) {
    if (touched_[i] != 0 && peers_[i]->alive()) peers_[i]->service();
  }
  return !failed();
}

void SimNetwork::deliver(const Event& event) {
  SimPeer& to = peer(event.peer);
  if (event.buffer < 0) {
    note(1, event.tag);
    to.on_timer(event.tag);
    return;
  }
  Buffer& buffer = buffers_[static_cast<size_t>(event.buffer)];
  const bool judged = judged_ && !buffer.clear.empty();
  note(2, static_cast<uint64_t>(event.peer));
  if (event.sender >= 0 && !to.reached_at(event.move)) {
    link(event.sender, event.peer).on_dropped(now_);
  } else if (to.alive()) {
    if (judged) oracle_.on_delivered(to, buffer.clear.data(), buffer.clear.size());
    const uint64_t unopened = to.endpoint().counters().unauthenticated;
    to.receive(event.from, buffer.bytes.data(), buffer.bytes.size());
    const bool opened = to.endpoint().counters().unauthenticated == unopened;
    if (judged && !opened) oracle_.on_unopened(to, buffer.clear.data(), buffer.clear.size());
    if (judged) oracle_.after_delivered(to, buffer.clear.data(), buffer.clear.size());
  }
  free_buffers_.push_back(event.buffer);
}

bool SimNetwork::dropped_by_rule(int from, int to, const Datagram& datagram) {
  if (datagram.clear == nullptr) return false;
  const uint8_t* const data = datagram.clear;
  const size_t length = datagram.length;
  bool drop = false;
  for (DropRule& rule : rules_) {
    if ((rule.from >= 0 && rule.from != from) || (rule.to >= 0 && rule.to != to)) continue;
    PacketView view;
    if (!view_packet(data, length, view)) continue;
    if (!rule.any_packet && view.type != rule.packet) continue;
    bool match = rule.any_frame;
    if (!rule.any_frame) {
      each_frame(view, [&](const wire::Frame& frame) {
        if (frame.type() != rule.frame) return;
        uint64_t channel = 0;
        uint64_t first = 0;
        uint64_t last = 0;
        if (frame.type() == wire::FrameType::kMessage) {
          channel = frame.message.channel;
          first = frame.message.sequence32;
          last = first + frame.message.count - 1;
        } else if (frame.type() == wire::FrameType::kFragment) {
          channel = frame.fragment.channel;
          first = last = frame.fragment.sequence32;
        }
        if (rule.channel != 0 && rule.channel != channel) return;
        if (rule.sequence != 0 && (rule.sequence < first || rule.sequence > last)) return;
        match = true;
      });
    }
    if (!match) continue;
    const uint64_t number = rule.matched++;
    if (number < rule.skip || number - rule.skip >= rule.count) continue;
    rule.dropped++;
    drop = true;
  }
  return drop;
}

void SimNetwork::send(int from, const PathAddress& to_address, const Datagram& datagram) {
  const uint8_t* const data = datagram.data;
  const size_t length = datagram.length;
  datagrams_++;
  // Keys are not those of the same seed's last run, but what is sealed with them is.
  if (datagram.clear == data && protection_ != Protection::kClear) {
    note(5, length);
  } else if (datagram.clear != nullptr) {
    hash_bytes(datagram.clear, length);
  }
  if (to_address.bytes[0] == 0x52) {
    RawPeer* raw = raws_[wire::load_u32(to_address.bytes + 1)];
    if (raw != nullptr) raw->on_datagram(data, length);
    return;
  }
  int to = SimPeer::index_of(to_address);
  const bool nobodys = to < 0 || to >= peer_count();
  // It may be an attacker's, who has made the peer believe in it.
  if (nobodys && datagram.clear != nullptr) to = oracle_.peer_of(datagram.clear, length);
  if (listener_) listener_(from, to_address, datagram);
  if (to < 0 || to >= peer_count()) return;
  // Where it was once, nobody is any more.
  const uint32_t move = SimPeer::move_of(to_address);
  const bool moved = nobodys || !peer(to).reached_at(move);
  if (judged_ && datagram.clear != nullptr) oracle_.on_sent(peer(from), to, datagram.clear, length);
  if (failed()) return;
  Fate fate = Fate::kCarried;
  net::ImpairmentDecision decision;
  if (moved || (!rules_.empty() && dropped_by_rule(from, to, datagram))) {
    fate = Fate::kDropRule;
    link(from, to).on_dropped(now_);
  } else {
    decision = link(from, to).pass(now_, length, fate);
  }
  if (capture_on_ || trace_) record(from, to, datagram, fate);
  for (int i = 0; i < decision.copies; i++) {
    const net::ImpairedCopy& copy = decision.copy[i];
    Event event{};
    event.time = copy.release_time;
    event.peer = to;
    event.sender = from;
    event.move = move;
    event.from = peer(from).address();
    event.buffer = keep(data, length, datagram.clear);
    Buffer& buffer = buffers_[static_cast<size_t>(event.buffer)];
    if (copy.corrupt_bit >= 0 && !corrupt(buffer, static_cast<size_t>(copy.corrupt_bit))) {
      free_buffers_.push_back(event.buffer);
      continue;
    }
    push(event);
  }
}

// False: UDP's checksum drops it.
bool SimNetwork::corrupt(Buffer& buffer, size_t bit) {
  PacketView view;
  const bool readable = !buffer.clear.empty() &&
                        view_packet(buffer.clear.data(), buffer.clear.size(), view) &&
                        view.type == wire::PacketType::kData;
  if (protection_ == Protection::kClear) {
    // Nothing but the checksum finds a flipped bit: let the flip hit the tag, which the endpoint
    // checks.
    if (!readable) return false;
    bit = bit % (wire::kTagBytes * 8) + 8 * (buffer.bytes.size() - wire::kTagBytes);
  }
  bit %= 8 * buffer.bytes.size();
  buffer.bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  // For those who judge: not as it was sent.
  if (readable) buffer.clear.back() ^= 1;
  return true;
}

void SimNetwork::record(int from, int to, const Datagram& datagram, Fate fate) {
  static constexpr uint8_t kNothing = 0;
  const uint8_t* const data = datagram.clear == nullptr ? &kNothing : datagram.clear;
  const size_t length = datagram.clear == nullptr ? 0 : datagram.length;
  if (capture_on_) {
    Captured captured;
    captured.time = now_;
    captured.from = from;
    captured.to = to;
    captured.fate = fate;
    captured.bytes.assign(data, data + length);
    captured.sealed.assign(datagram.data, datagram.data + datagram.length);
    capture_.push_back(std::move(captured));
  }
  if (trace_) {
    std::printf("%12.6f  %d>%d %5zu %-9s %s\n", static_cast<double>(now_) / 1e9, from, to,
                datagram.length, fate_name(fate), describe(data, length).c_str());
  }
}

void SimNetwork::note(uint64_t kind, uint64_t value) {
  hash_ = (hash_ ^ static_cast<uint64_t>(now_)) * 0x100000001b3;
  hash_ = (hash_ ^ (kind << 56) ^ value) * 0x9e3779b97f4a7c15;
  hash_ ^= hash_ >> 31;
}

void SimNetwork::hash_bytes(const uint8_t* data, size_t length) {
  uint64_t sum = length;
  for (; length >= 8; length -= 8, data += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data, 8);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 29;
  }
  uint64_t word = 0;
  std::memcpy(&word, data, length);
  note(5, (sum ^ word) * 0x9e3779b97f4a7c15);
}

void SimNetwork::fail(const char* format, ...) {
  if (failed()) return;
  char text[512];
  const int start = std::snprintf(text, sizeof text, "seed %" PRIu64 " at %.6f s: ", seed_,
                                  static_cast<double>(now_) / 1e9);
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text + start, sizeof text - static_cast<size_t>(start), format, arguments);
  va_end(arguments);
  failure_ = text;
}

}  // namespace hawser::sim
