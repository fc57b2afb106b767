#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::engine {

struct HostSocket;

// Which socket has the next datagram, where they come one at a time: a question, its answer, the
// next question. Then two calls of three find nothing: which sockets are ready (the same one as
// before), and whether more waits behind (no). After some looks of that kind this is guessed.
//
// Only for a caller who is told again of what is left behind, as one who waits for descriptors that
// stay readable: what a wrong guess overlooks is found by the next look, since one in kGuesses
// looks is a whole one.
class ReceiveGuess {
 public:
  // The socket to read one datagram from; nullptr: look at all, and tell learn().
  HostSocket* next() {
    if (alike_ < kAlike) return nullptr;
    guesses_ = (guesses_ + 1) % kGuesses;
    return guesses_ == 0 ? nullptr : socket_;
  }

  // A whole look found `datagrams`, the last of them on `socket`; nullptr: none.
  void learn(HostSocket* socket, size_t datagrams) {
    if (datagrams == 0) return;
    if (datagrams > 1 || socket != socket_) alike_ = 0;
    socket_ = socket;
    if (datagrams == 1 && socket != nullptr && alike_ < kAlike) alike_++;
  }

  // The guess was wrong, or the socket goes.
  void forget() {
    socket_ = nullptr;
    alike_ = 0;
  }

 private:
  static constexpr uint32_t kAlike = 4;
  static constexpr uint32_t kGuesses = 16;

  HostSocket* socket_ = nullptr;
  uint32_t alike_ = 0;
  uint32_t guesses_ = 0;
};

}  // namespace hawser::engine
