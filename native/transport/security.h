// How sessions are authenticated and protected, as the transport sees it: what it needs of
// cryptography, and nothing of how that is done. NoiseSecurity does it; the simulator has another
// one whose packets can be read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/packet_protection.h"
#include "crypto/siphash.h"
#include "transport/list.h"
#include "transport/memory.h"
#include "transport/time.h"
#include "transport/types.h"
#include "wire/packet.h"

namespace hawser::transport {

class Endpoint;
class Security;
class Session;

// One side of one handshake. What costs time is in compute(), which touches nothing but the object:
// the owner calls it without its lock, on any thread, once for each time the object was submitted
// to the Runtime.
class Handshake {
 public:
  // What compute() does next.
  enum class Step : uint8_t {
    kInitiate,  // make the first message
    kRespond,   // read the first message, make the second
    kFinish,    // read the second message
  };
  enum class State : uint8_t { kIdle, kQueued, kComputing };

  explicit Handshake(Security& security);
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  virtual ~Handshake();

  virtual void compute() = 0;

  Security& security() const { return security_; }
  // What compute() did last has succeeded. After a kFinish that has not, another one may.
  bool succeeded() const { return succeeded_; }
  // The message to send, after a kInitiate or kRespond that succeeded.
  const uint8_t* message() const { return message_; }
  size_t message_length() const { return message_length_; }
  // What the peer's message held; after a kRespond or kFinish that succeeded. Who it is was proven:
  // by a responder at once, by an initiator with the first packet it seals.
  const uint8_t* payload() const { return payload_; }
  size_t payload_length() const { return payload_length_; }
  // For the initiator: takes the second message; then submit. False: too long, or not the time.
  [[nodiscard]] bool take_answer(const uint8_t* message, size_t length);

  // What it takes at most: the object, and what libcrypto allocates for it. Bytes.
  virtual size_t memory_bytes() const = 0;
  // Counts that in `memory`, until refund() or its end. Once. False: beyond its limit.
  [[nodiscard]] bool charge(QuotaMemory& memory);
  // Its owner needs it no more, or it ends.
  void refund();

  // --- Owner: Endpoint or Session, and Runtime.
  State state = State::kIdle;
  // Of the two, whose handshake it is; none: it is to be freed when it comes back.
  Endpoint* endpoint = nullptr;
  Session* session = nullptr;
  // Responder: where the first message came from, and what it said.
  PathAddress from;
  wire::Suite suite = wire::Suite::kAes256Gcm;
  wire::ConnectionId source{};
  wire::ConnectionId local{};
  uint64_t key = 0;
  // The whole INIT, kInitBytes in the endpoint's memory, if it may turn out to be another's
  // (Siblings::dialler_of); nullptr.
  uint8_t* init = nullptr;
  ListHook<Handshake> hook;

 protected:
  Step step_ = Step::kInitiate;
  bool succeeded_ = false;
  uint8_t message_[wire::kInitMessageBytes];
  size_t message_length_ = 0;
  // What compute() reads, and afterwards what was in it.
  uint8_t answer_[wire::kInitMessageBytes];
  size_t answer_length_ = 0;
  const uint8_t* payload_ = nullptr;
  size_t payload_length_ = 0;

 private:
  Security& security_;
  QuotaMemory* charged_ = nullptr;
};

// The identity of one endpoint, its part in handshakes, and the secrets that go with it. Outlives
// the endpoint until the last Handshake made by it was given back.
class Security {
 public:
  static constexpr size_t kBindingBytes = 32;

  Security() = default;
  Security(const Security&) = delete;
  Security& operator=(const Security&) = delete;
  virtual ~Security() = default;

  virtual wire::PeerIdBytes id() const = 0;
  // The suite of sessions that start here; the other one is understood as well.
  virtual wire::Suite suite() const = 0;

  // All that follow return nullptr without memory, and when libcrypto fails.
  virtual Handshake* initiate(Memory& memory, const wire::PeerIdBytes& remote,
                              const wire::InitHeader& header, const wire::InitPayload& payload) = 0;
  // `init` is a whole INIT.
  virtual Handshake* respond(Memory& memory, const uint8_t* init,
                             const wire::ResponsePayload& payload) = 0;
  // Within a session with `remote`: `binding` names the session, `generation` the handshake.
  virtual Handshake* renew(Memory& memory, const wire::PeerIdBytes& remote, wire::Suite suite,
                           const uint8_t binding[kBindingBytes], uint64_t generation) = 0;
  virtual Handshake* answer_renewal(Memory& memory, const wire::PeerIdBytes& remote,
                                    wire::Suite suite, const uint8_t binding[kBindingBytes],
                                    uint64_t generation, const uint8_t* message, size_t length) = 0;
  // Takes a handshake back; nullptr is ignored.
  void release(Memory& memory, Handshake* handshake);
  // The endpoint is gone: this object goes with the last of its handshakes.
  void retire(Memory& memory);

  // What a handshake of two sides that has succeeded on ours leads to; once for each. `binding` is
  // the same on both sides and for no other session.
  virtual crypto::PacketProtection* protect(Memory& memory, Handshake& handshake,
                                            uint8_t binding[kBindingBytes]) = 0;
  virtual void release(Memory& memory, crypto::PacketProtection* protection) = 0;
  // The same for a renewal: the secret for PacketProtection::mix(). False: libcrypto failed.
  virtual bool fresh_secret(Handshake& handshake,
                            uint8_t out[crypto::PacketProtection::kFreshBytes]) = 0;

  // The key of mac1 and of a COOKIE's mac: known to who knows the responder's id and the network's
  // key.
  virtual bool mac_key(const wire::PeerIdBytes& responder,
                       uint8_t out[crypto::SipHash::kKeyBytes]) = 0;
  // Marks an id, whose first half is random, as one of ours; and looks for the mark, also after a
  // restart. Nothing is said about other ids: strangers shall not learn who is here.
  virtual bool mark(wire::ConnectionId* id) = 0;
  virtual bool marked(const wire::ConnectionId& id) = 0;
  // What proves that a session under this id of ours is gone. The same after a restart.
  virtual bool reset_token(const wire::ConnectionId& id, wire::ResetToken* token) = 0;

 private:
  friend class Handshake;

  virtual void destroy(Memory& memory, Handshake* handshake) = 0;
  virtual void destroy_self(Memory& memory) = 0;

  size_t live_ = 0;  // handshakes
  bool retired_ = false;
};

}  // namespace hawser::transport
