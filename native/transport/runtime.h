#pragma once

#include <cstdint>

#include "transport/channel.h"
#include "transport/endpoint.h"
#include "transport/list.h"
#include "transport/message_sink.h"
#include "transport/packet_tap.h"
#include "transport/security.h"
#include "transport/session.h"
#include "transport/timer_wheel.h"
#include "transport/types.h"

namespace hawser::transport {

// What all endpoints of one engine share: memory, random numbers, timers, and the queues of what
// wants to send and of what has events. Nothing here runs by itself:
//
//   runtime.set_sink(&sink);                       // only while the application can take messages
//   endpoint.receive(now, from, data, length) ...  // each datagram that came
//   runtime.run_timers(now);
//   while (Handshake* h = runtime.next_handshake()) { h->compute(); runtime.finish(now, h); }
//   while (runtime.transmit(now, train)) send(train);
//   runtime.set_sink(nullptr);
//   while (Session* s = runtime.next_session()) ...  // events
//   while (Channel* c = runtime.next_channel()) ...
//   sleep until runtime.next_timeout()
//
// compute() is the one call that may be made without the owner's lock, on another thread.
class Runtime {
 public:
  Runtime(Memory& memory, Random& random, Time now)
      : memory_(memory), random_(random), wheel_(now) {}
  ~Runtime() { collect(); }
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  Memory& memory() { return memory_; }
  Random& random() { return random_; }
  TimerWheel& wheel() { return wheel_; }

  // Lends a sink; nullptr takes it back. Without one, messages are kept in native memory.
  void set_sink(MessageSink* sink) { sink_ = sink; }
  MessageSink* sink() const { return sink_; }
  // Shows packets to `tap` as they are built; nullptr, as at first: nobody looks.
  void set_tap(PacketTap* tap) { tap_ = tap; }
  PacketTap* tap() const { return tap_; }

  // When run_timers or transmit must be called at the latest: at once if something waits to be
  // sent, kNever if nothing is due.
  Time next_timeout() const { return has_output() ? 0 : wheel_.next_expiry(); }
  bool has_output() const { return !ready_.empty() || !replying_.empty(); }
  void run_timers(Time now);

  // Builds the next run of datagrams. False: nothing to send now.
  bool transmit(Time now, Train& train);
  // Sessions and channels with events; each is taken off the queue, call take_events() on it.
  Session* next_session() { return sessions_.pop_front(); }
  Channel* next_channel() { return channels_.pop_front(); }
  bool has_events() const { return !sessions_.empty() || !channels_.empty(); }

  // The next handshake to compute; nullptr: none. It has to come back by finish(), also when its
  // owner is gone by then.
  Handshake* next_handshake();
  void finish(Time now, Handshake* handshake);
  bool has_handshakes() const { return !handshakes_.empty(); }

  // --- Core only.
  void submit(Handshake* handshake);
  // Its owner needs it no more: frees it, now or when it comes back. nullptr is ignored.
  void abandon(Handshake* handshake);
  void make_ready(Endpoint* endpoint);
  void not_ready(Endpoint* endpoint);
  void make_ready(Session* session) { ready_.push_back(session); }
  void not_ready(Session* session) { ready_.remove(session); }
  void notify(Session* session) { sessions_.push_back(session); }
  void notify(Channel* channel) { channels_.push_back(channel); }
  void forget(Session* session) { sessions_.remove(session); }
  void forget(Channel* channel) { channels_.remove(channel); }
  // Frees them once no call of theirs is on the stack any more. They must be unlinked from
  // everything else.
  void bury(Session* session);
  void bury(Channel* channel);
  // Frees what was buried.
  void collect();

 private:
  Memory& memory_;
  Random& random_;
  TimerWheel wheel_;
  MessageSink* sink_ = nullptr;
  PacketTap* tap_ = nullptr;
  List<Session, &Session::ready_hook> ready_;
  // Endpoints that have something to say outside of sessions.
  List<Endpoint, &Endpoint::ready_hook> replying_;
  List<Handshake, &Handshake::hook> handshakes_;
  List<Session, &Session::notify_hook> sessions_;
  List<Channel, &Channel::notify_hook> channels_;
  List<Session, &Session::notify_hook> dead_sessions_;
  List<Channel, &Channel::notify_hook> dead_channels_;
};

}  // namespace hawser::transport
