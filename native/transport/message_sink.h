#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::transport {

class Channel;

// Takes messages out of the core, in order, on behalf of the application. Called only while the
// owner has lent it to Runtime::set_sink.
class MessageSink {
 public:
  // A run of `count` whole messages of `channel`, each as a varint length and its bytes (the form
  // they have in a MESSAGE frame), `length` bytes together; `first` is the sequence number of the
  // first. Copies what it takes, which is all or nothing: false means "no room now", and the core
  // keeps the run and offers it again later.
  virtual bool take(Channel& channel, uint64_t first, const uint8_t* run, size_t length,
                    uint32_t count) = 0;

 protected:
  ~MessageSink() = default;
};

}  // namespace hawser::transport
