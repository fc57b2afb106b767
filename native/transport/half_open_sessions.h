// Sessions that others have begun and not proven: no more than a limit, of which one source has at
// most a share. Where there is no room, the oldest goes for the next one, so that whoever only
// begins sessions keeps nobody out for long. A young one stays: its peer may just be about to prove
// itself, and an INIT that is dropped comes again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/id_table.h"
#include "transport/list.h"
#include "transport/memory.h"
#include "transport/opening.h"
#include "transport/session.h"
#include "transport/time.h"
#include "transport/types.h"

namespace hawser::transport {

class HalfOpenSessions {
 public:
  // For so long a session gives way to none: many honest peers at once may need more than a round
  // trip, and who has been answered and then forgotten loses its session.
  static constexpr Duration kSpared = 2 * kSecond;
  // Of one peer id: INITs may be recorded, and repeated in somebody else's name.
  static constexpr size_t kMostOfPeer = 64;
  // Made by one INIT, which an honest peer sends to each address that it knows.
  static constexpr size_t kMostOfInit = Opening::kMaxCandidates;

  // `most`: at once, 1 or more.
  HalfOpenSessions(Memory& memory, Random& random, size_t most);
  ~HalfOpenSessions();
  HalfOpenSessions(const HalfOpenSessions&) = delete;
  HalfOpenSessions& operator=(const HalfOpenSessions&) = delete;

  size_t size() const { return all_.size(); }
  size_t most() const { return most_; }
  // How many of them may be from one IPv4 address, or one upper half of an IPv6 address: half of
  // all. Many honest peers may be behind one.
  size_t share() const { return share_; }
  size_t count_from(const PathAddress& source) const;

  // One more from there has room, or may get it. `coming`: sessions that will be added soon.
  bool takes(Time now, const PathAddress& source, size_t coming) const;
  // Which one has to go before one more from there is added; nullptr: none.
  Session* in_the_way(const PathAddress& source) const;

  // False: no memory.
  [[nodiscard]] bool add(Session* session);
  // Does nothing when it is not among them.
  void remove(Session* session);

 private:
  struct Source {
    List<Session, &Session::source_hook> sessions;
  };

  static uint64_t key_of(const PathAddress& source);

  Memory& memory_;
  const size_t most_;
  const size_t share_;
  // Both lists by age, the oldest first.
  List<Session, &Session::half_open_hook> all_;
  IdTable<Source> sources_;
};

}  // namespace hawser::transport
