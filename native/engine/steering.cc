#include "engine/steering.h"

#include <algorithm>
#include <iterator>

#include "wire/endian.h"

namespace hawser::engine {

namespace {

// Where the connection id is (PROTOCOL.md 2 and 3).
constexpr uint32_t kInData = 1;
constexpr uint32_t kInInit = 6;
constexpr uint32_t kInAnswer = 5;  // RESPONSE, COOKIE

constexpr uint8_t kOurs = 0x80;
constexpr uint8_t kTypeBits = 0x70;
constexpr uint8_t kData = 0x00;
constexpr uint8_t kInit = 0x10;

// Classic BPF, as in the kernel's linux/bpf_common.h; written out, so that the program can be made
// and tested where that header is not.
constexpr uint16_t kLoadByte = 0x30;  // BPF_LD | BPF_B | BPF_ABS
constexpr uint16_t kLoadWord = 0x20;  // BPF_LD | BPF_W | BPF_ABS
constexpr uint16_t kAnd = 0x54;       // BPF_ALU | BPF_AND | BPF_K
constexpr uint16_t kMultiply = 0x24;  // BPF_ALU | BPF_MUL | BPF_K
constexpr uint16_t kShiftRight = 0x74;
constexpr uint16_t kModulo = 0x94;
constexpr uint16_t kJump = 0x05;         // BPF_JMP | BPF_JA
constexpr uint16_t kJumpIfEqual = 0x15;  // BPF_JMP | BPF_JEQ | BPF_K
constexpr uint16_t kJumpIfLeast = 0x35;  // BPF_JMP | BPF_JGE | BPF_K
constexpr uint16_t kReturnA = 0x16;
constexpr uint16_t kReturn = 0x06;

}  // namespace

uint32_t Steering::member_of(const wire::ConnectionId& id) const {
  return hash(wire::load_u32(id.bytes));
}

uint32_t Steering::member_for(const uint8_t* data, size_t length) const {
  if (length == 0 || data[0] < kOurs) return 0;
  const uint8_t type = data[0] & kTypeBits;
  const uint32_t at = type == kData ? kInData : type == kInit ? kInInit : kInAnswer;
  // As in the kernel, where a program that reads beyond the end answers 0.
  if (length < at + sizeof(uint32_t)) return 0;
  return hash(wire::load_u32(data + at));
}

void Steering::write_program(net::FilterInstruction out[kProgramLength]) const {
  const net::FilterInstruction program[] = {
      {kLoadByte, 0, 0, 0},
      {kJumpIfLeast, 0, 12, kOurs},
      {kAnd, 0, 0, kTypeBits},
      {kJumpIfEqual, 3, 0, kData},
      {kJumpIfEqual, 4, 0, kInit},
      {kLoadWord, 0, 0, kInAnswer},
      {kJump, 0, 0, 3},
      {kLoadWord, 0, 0, kInData},
      {kJump, 0, 0, 1},
      {kLoadWord, 0, 0, kInInit},
      {kMultiply, 0, 0, key_},
      {kShiftRight, 0, 0, kShift},
      {kModulo, 0, 0, members_},
      {kReturnA, 0, 0, 0},
      {kReturn, 0, 0, 0},
  };
  static_assert(std::size(program) == kProgramLength);
  std::copy(std::begin(program), std::end(program), out);
}

}  // namespace hawser::engine
