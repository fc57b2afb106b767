// wire/frames.h: a FrameReader over any bytes. Numbers are valid in their shortest form only, so
// what was read must be written byte for byte as it was: this holds for every frame type, and a new
// one needs nothing here but its line in visit().
#include <cstring>
#include <memory>

#include "test/fuzz/check.h"
#include "wire/vectors/describe.h"

namespace hawser::fuzz {
namespace {

using namespace wire;

// `behind`: the byte behind the frame in its packet.
void check_frame(const Frame& frame, const uint8_t* begin, const uint8_t* behind) {
  const auto most = static_cast<size_t>(behind - begin);
  std::unique_ptr<uint8_t[]> out(new uint8_t[most]);
  uint8_t* const end = vectors::write(out.get(), out.get() + most, frame);
  FUZZ_CHECK(end != nullptr, "what was read cannot be written");
  const auto length = static_cast<size_t>(end - out.get());
  FUZZ_CHECK(std::memcmp(out.get(), behind - length, length) == 0, "written otherwise than read");

  // With one byte less it does not fit, and nothing is written beyond.
  std::unique_ptr<uint8_t[]> small(new uint8_t[length - 1]);
  FUZZ_CHECK(vectors::write(small.get(), small.get() + length - 1, frame) == nullptr,
             "fits into less than it takes");

  FrameReader reader(out.get(), length);
  Frame again;
  FUZZ_CHECK(reader.next(again) == FrameReader::Next::kFrame, "what was written cannot be read");
  FUZZ_CHECK(again.type() == frame.type(), "another type");
  FUZZ_CHECK(reader.position() == out.get() + length, "another length");
  // Padding alone would not be passed over at the end of what was written.
  FUZZ_CHECK(reader.next(again) == FrameReader::Next::kEnd, "more than one frame");
}

void check_content(const Frame& frame, const uint8_t* begin, const uint8_t* end) {
  if (frame.type() != FrameType::kMessage) return;
  const Message& message = frame.message;
  FUZZ_CHECK(message.data >= begin && message.data + message.length <= end, "content outside");
  uint32_t count = 0;
  const uint8_t* const stop = message.data + message.length;
  for (const uint8_t* p = message.data; p != stop; count++) {
    const uint8_t* body = nullptr;
    size_t length = 0;
    p = next_block(p, stop, body, length);
    FUZZ_CHECK(p <= stop && body + length == p, "a message beyond its frame");
  }
  FUZZ_CHECK(count == message.count && count != 0, "%u messages, not %u", count, message.count);
}

}  // namespace
}  // namespace hawser::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hawser::fuzz;
  FrameReader reader(data, size);
  Frame frame;
  for (size_t frames = 0;; frames++) {
    FUZZ_CHECK(frames <= size, "more frames than bytes");
    const uint8_t* const before = reader.position();
    const FrameReader::Next next = reader.next(frame);
    FUZZ_CHECK(reader.position() >= before && reader.position() <= data + size, "position");
    if (next == FrameReader::Next::kEnd) break;
    if (next == FrameReader::Next::kError) {
      FUZZ_CHECK(reader.error() != nullptr, "an error without a name");
      FUZZ_CHECK(reader.next(frame) == FrameReader::Next::kError, "an error must stay");
      break;
    }
    FUZZ_CHECK(reader.position() > before, "no progress");
    check_frame(frame, before, reader.position());
    check_content(frame, data, data + size);
  }
  return 0;
}
