#include "transport/half_open_sessions.h"

#include <algorithm>

#include "wire/endian.h"

namespace hawser::transport {

namespace {

bool gives_way(Time now, const Session& session) {
  return now - session.connecting_since() >= HalfOpenSessions::kSpared;
}

}  // namespace

HalfOpenSessions::HalfOpenSessions(Memory& memory, Random& random, size_t most)
    : memory_(memory),
      most_(most),
      share_(std::max<size_t>(1, most / 2)),
      sources_(memory, random) {}

HalfOpenSessions::~HalfOpenSessions() {
  while (Session* session = all_.front()) remove(session);
}

uint64_t HalfOpenSessions::key_of(const PathAddress& source) {
  static_assert(PathAddress::kSourceBytes == sizeof(uint64_t));
  return wire::load_u64(source.bytes);
}

size_t HalfOpenSessions::count_from(const PathAddress& source) const {
  const Source* from = sources_.find(key_of(source));
  return from == nullptr ? 0 : from->sessions.size();
}

bool HalfOpenSessions::takes(Time now, const PathAddress& source, size_t coming) const {
  const Source* from = sources_.find(key_of(source));
  if (from != nullptr && from->sessions.size() >= share_) {
    return gives_way(now, *from->sessions.front());
  }
  if (all_.size() + coming < most_) return true;
  return coming < most_ && !all_.empty() && gives_way(now, *all_.front());
}

Session* HalfOpenSessions::in_the_way(const PathAddress& source) const {
  const Source* from = sources_.find(key_of(source));
  if (from != nullptr && from->sessions.size() >= share_) return from->sessions.front();
  return all_.size() >= most_ ? all_.front() : nullptr;
}

bool HalfOpenSessions::add(Session* session) {
  const uint64_t key = key_of(session->path());
  Source* from = sources_.find(key);
  if (from == nullptr) {
    from = memory_.create<Source>();
    if (from == nullptr) return false;
    if (!sources_.insert(key, from)) {
      memory_.destroy(from);
      return false;
    }
  }
  from->sessions.push_back(session);
  all_.push_back(session);
  return true;
}

void HalfOpenSessions::remove(Session* session) {
  if (!all_.linked(session)) return;
  all_.remove(session);
  const uint64_t key = key_of(session->path());
  Source* from = sources_.find(key);
  from->sessions.remove(session);
  if (!from->sessions.empty()) return;
  sources_.erase(key);
  memory_.destroy(from);
}

}  // namespace hawser::transport
