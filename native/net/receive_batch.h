// The memory that one receive call fills: 64 KiB, allocated once. With GRO it is one buffer, which
// the kernel may fill with a train of datagrams from one sender; without GRO it is cut into equal
// slots of one datagram each. Both come out as trains, so that callers see no difference.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/address.h"

namespace hawser::net {

// Datagrams from one sender, one behind the other: all of `segment_size`, the last one may be
// shorter. A lone datagram is a train of one. The bytes may be changed in place.
struct ReceivedTrain {
  Address from;
  uint8_t* data = nullptr;
  uint32_t size = 0;
  uint32_t segment_size = 0;  // 0 only for an empty datagram
};

class ReceiveBatch {
 public:
  static constexpr size_t kBufferBytes = 65536;  // above any UDP payload
  static constexpr size_t kMaxSlots = 32;
  static constexpr size_t kSlotBytes = 2048;

  ReceiveBatch() = default;
  ~ReceiveBatch();
  ReceiveBatch(const ReceiveBatch&) = delete;
  ReceiveBatch& operator=(const ReceiveBatch&) = delete;

  // Allocates the buffer; false when there is no memory. Slots begin with `slot_bytes`. When a
  // larger datagram comes (and is dropped), slots grow up to `max_slot_bytes`, and are fewer then:
  // so a path with a large MTU works without GRO after the first loss. Both sizes are 1 to
  // kBufferBytes. Sockets with GRO use neither.
  bool init(size_t slot_bytes = kSlotBytes, size_t max_slot_bytes = kBufferBytes);

  size_t train_count() const { return train_count_; }
  const ReceivedTrain& train(size_t index) const { return trains_[index]; }

  // Calls receiver(const Address& from, uint8_t* data, size_t size) for every datagram in order of
  // arrival. The bytes stay valid until the next receive call on this batch.
  template <typename Receiver>
  void for_each_datagram(Receiver&& receiver) const {
    for (size_t i = 0; i < train_count_; ++i) {
      const ReceivedTrain& train = trains_[i];
      size_t offset = 0;
      do {
        const size_t left = train.size - offset;
        const size_t size = left < train.segment_size ? left : train.segment_size;
        receiver(train.from, train.data + offset, size);
        offset += size;
      } while (offset < train.size);
    }
  }

 private:
  friend class UdpSocket;

  size_t slot_count() const;
  uint8_t* slot(size_t index) { return buffer_ + index * slot_bytes_; }
  void grow_slots(size_t wanted_bytes);
  void clear() { train_count_ = 0; }
  void add(const ReceivedTrain& train) { trains_[train_count_++] = train; }

  uint8_t* buffer_ = nullptr;
  size_t slot_bytes_ = kSlotBytes;
  size_t max_slot_bytes_ = kBufferBytes;
  size_t train_count_ = 0;
  ReceivedTrain trains_[kMaxSlots];
};

}  // namespace hawser::net
