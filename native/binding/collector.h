// Turns what the engine has to tell into the rows of one batch: messages by the sink, events by the
// event table. JS thread, under the engine's lock.
#pragma once

#include "binding/event_table.h"
#include "binding/handle_table.h"
#include "binding/objects.h"
#include "binding/slab_sink.h"
#include "engine/engine.h"

namespace hawser::binding {

class Collector {
 public:
  Collector(Objects& objects, SlabSink& sink, EventTable& events)
      : objects_(objects), sink_(sink), events_(events) {}

  // Takes what fits; call again after the batch call while waiting() or Engine::has_events().
  // The sink must be lent to the runtime.
  void collect(engine::Engine& engine, transport::Time now);
  bool waiting() const { return !late_.empty() || !closed_.empty(); }

  // Frees the host if it is closed to the end and JS holds nothing of it any more.
  void free_if_done(engine::Engine& engine, int32_t host);

 private:
  // Rows that one channel may need.
  static constexpr size_t kChannelRows = 8;

  void take_host(engine::Engine& engine, engine::Host* host);
  void take_session(transport::Session* session, transport::Time now);
  void take_channel(transport::Channel* channel, transport::Time now);
  int32_t announce(transport::Channel* channel, transport::Time now);
  static int32_t host_of(const transport::Session& session);

  Objects& objects_;
  SlabSink& sink_;
  EventTable& events_;
  // Channels that JS learns about in the batch that is being filled: their messages wait for the
  // next one.
  NumberList late_;
  // Sessions that ended: told after what their channels have to tell.
  NumberList closed_;
};

}  // namespace hawser::binding
