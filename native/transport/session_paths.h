#pragma once

#include <cstdint>

#include "transport/memory.h"
#include "transport/path_answers.h"
#include "transport/path_trial.h"
#include "transport/time.h"
#include "transport/types.h"

namespace hawser::transport {

// Where else than on the path in use the peer may be (session_path.cc).
struct SessionPaths {
  explicit SessionPaths(Memory& owner) : memory(owner) {}
  ~SessionPaths() {
    end_trial();
    drop_answers();
  }
  SessionPaths(const SessionPaths&) = delete;
  SessionPaths& operator=(const SessionPaths&) = delete;

  void end_trial() {
    memory.destroy(trial);
    trial = nullptr;
  }
  // Without memory it is forgotten: who needs it asks again.
  void push_answer(const PathAddress& to, const uint8_t data[wire::kPathDataBytes]) {
    if (answers == nullptr) answers = memory.create<PathAnswers>();
    if (answers != nullptr) answers->push(to, data);
  }
  // Needs one that waits.
  void pop_answer() {
    answers->pop();
    if (answers->empty()) drop_answers();
  }
  void drop_answers() {
    memory.destroy(answers);
    answers = nullptr;
  }

  Memory& memory;
  // nullptr: no address is being validated.
  PathTrial* trial = nullptr;
  // nullptr: no PATH_RESPONSE waits to be sent.
  PathAnswers* answers = nullptr;
  // Path::number of the newest path.
  uint32_t newest = 0;
  // New addresses that were given up in favour of another, in a row.
  unsigned turns = 0;
  // The session has come back to a path of before: until then it stays there.
  Time settled_until = 0;
  // The address before the last change, to be asked when nothing comes from the present one.
  PathAddress previous;
  bool has_previous = false;
};

}  // namespace hawser::transport
