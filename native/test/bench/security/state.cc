#include "test/bench/security/state.h"

#include <algorithm>
#include <cstring>

#include "crypto/aead_packet_protection.h"
#include "test/bench/security/bench.h"

namespace hawser::sim {

namespace {

// Datagrams that came, and those of them that were dropped for what a forged packet may be.
bool counts_dropped(const transport::EndpointCounters& counters, const uint8_t* word) {
  for (const uint64_t* counter : {&counters.datagrams_in, &counters.bytes_in, &counters.malformed,
                                  &counters.unauthenticated, &counters.duplicates}) {
    if (word == reinterpret_cast<const uint8_t*>(counter)) return true;
  }
  return false;
}

uint64_t sum_dropped(const transport::EndpointCounters& counters) {
  return counters.malformed + counters.unauthenticated + counters.duplicates;
}

}  // namespace

std::vector<PeerState::Region> PeerState::regions_of(SimPeer& peer) {
  std::vector<Region> regions;
  const auto add = [&](const void* at, size_t length, const char* what) {
    const auto* bytes = static_cast<const uint8_t*>(at);
    regions.push_back({bytes, length, what, {bytes, bytes + length}});
  };
  add(&peer, sizeof peer, "the peer");
  add(&peer.runtime(), sizeof(transport::Runtime), "the runtime");
  add(&peer.endpoint(), sizeof(transport::Endpoint), "the endpoint");
  peer.memory().each_block([&](const uint8_t* at, size_t length) {
    const bool keys = length == sizeof(crypto::AeadPacketProtection);
    const bool session = length == sizeof(transport::Session);
    add(at, length, keys ? "keys" : session ? "a session" : "a block");
  });
  return regions;
}

PeerState::PeerState(SimPeer& peer) : peer_(peer), regions_(regions_of(peer)) {}

PeerState::Changes PeerState::changes(bool only_keys) const {
  const std::vector<Region> now = regions_of(peer_);
  const transport::EndpointCounters counters = peer_.endpoint().counters();
  const uint8_t* const live =
      reinterpret_cast<const uint8_t*>(&peer_.endpoint().mutable_counters());
  Changes result;
  bool forged_found = false;
  const auto blame = [&](size_t bytes, const Region& region, size_t offset, const char* how) {
    result.changed += bytes;
    if (result.where.size() < 200) {
      result.where += text("%s%s of %zu bytes %s at %zu", result.where.empty() ? "" : "; ",
                           region.what, region.length, how, offset);
    }
  };
  for (size_t i = 0; i < std::max(now.size(), regions_.size()); i++) {
    if (i >= now.size() || i >= regions_.size() || now[i].at != regions_[i].at ||
        now[i].length != regions_[i].length) {
      const Region& other = i < now.size() ? now[i] : regions_[i];
      blame(other.length, other, 0, "taken or given back");
      return result;
    }
    const Region& before = regions_[i];
    result.compared += before.length;
    for (size_t at = 0; at < before.length; at += sizeof(uint64_t)) {
      const size_t length = std::min(sizeof(uint64_t), before.length - at);
      if (std::memcmp(before.bytes.data() + at, now[i].bytes.data() + at, length) == 0) continue;
      const uint8_t* const word = before.at + at;
      if (word >= live && word < live + sizeof counters) {
        const size_t in_counters = static_cast<size_t>(word - live);
        if (counts_dropped(counters, reinterpret_cast<const uint8_t*>(&counters) + in_counters)) {
          transport::EndpointCounters old{};
          std::memcpy(&old, before.bytes.data() + (live - before.at), sizeof old);
          result.dropped = sum_dropped(counters) - sum_dropped(old);
          continue;
        }
      }
      // The count is private; it is the one word of the keys that may change, and only upwards.
      if (std::strcmp(before.what, "keys") == 0) {
        if (only_keys) continue;
        uint64_t old_count = 0;
        uint64_t new_count = 0;
        std::memcpy(&old_count, before.bytes.data() + at, length);
        std::memcpy(&new_count, now[i].bytes.data() + at, length);
        if (!forged_found && length == sizeof old_count && new_count > old_count) {
          forged_found = true;
          result.forged = new_count - old_count;
          continue;
        }
      }
      blame(length, before, at, "changed");
    }
  }
  return result;
}

}  // namespace hawser::sim
