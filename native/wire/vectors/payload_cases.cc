#include "wire/vectors/cases.h"

namespace hawser::wire::vectors {

namespace {

constexpr size_t kInitFixedBytes = kPeerIdBytes + kResetTokenBytes;
constexpr size_t kResponseFixedBytes = kConnectionIdBytes + kResetTokenBytes;

InitPayload example_init() {
  return {counting_id<PeerIdBytes>(0x40), counting_id<ResetToken>(0xd0), {}};
}

ResponsePayload example_response() {
  return {counting_id<ConnectionId>(0x51), counting_id<ResetToken>(0xe0), {}};
}

Bytes written(const InitPayload& payload) {
  Bytes bytes(kInitPayloadBytes);
  if (!write_init_payload(bytes.data(), payload)) std::abort();
  return bytes;
}

Bytes written(const ResponsePayload& payload) {
  Bytes bytes(kMaxResponsePayload);
  bytes.resize(write_response_payload(bytes.data(), bytes.size(), payload));
  if (bytes.empty()) std::abort();
  return bytes;
}

Parameters lowest() {
  return {.idle_timeout_ms = 0,
          .max_datagram = kMinDatagram,
          .max_ack_delay_us = 0,
          .max_channels = 0,
          .initial_credit = kMinInitialCredit};
}

Parameters highest() {
  return {.idle_timeout_ms = UINT32_MAX,
          .max_datagram = kMaxDatagram,
          .max_ack_delay_us = kMaxAckDelayUs,
          .max_channels = UINT32_MAX,
          .initial_credit = UINT32_MAX};
}

// One unknown parameter of `length` bytes in all, as the content of a block.
Bytes unknown_parameter(size_t length) {
  const size_t value = length - 3;
  return from_hex("3f") +
         Bytes{static_cast<uint8_t>(0x40 | value >> 8), static_cast<uint8_t>(value)} +
         Bytes(value, 0xff);
}

Bytes block(const Bytes& content) {
  Bytes length(kMaxVarintBytes);
  length.resize(static_cast<size_t>(write_varint(length.data(), content.size()) - length.data()));
  return length + content;
}

void add_inits(Vectors& payloads) {
  InitPayload payload = example_init();
  payloads.exact("the values that hold by default", written(payload), describe(payload));
  payload.parameters = lowest();
  payloads.exact("the lowest parameters", written(payload), describe(payload));
  payload.parameters = highest();
  payloads.exact("the highest parameters", written(payload), describe(payload));

  payload = example_init();
  const Bytes plain = written(payload);
  const Bytes start = cut(plain, kInitFixedBytes);
  const size_t room = kInitPayloadBytes - kInitFixedBytes - 2;  // behind the length of the block
  payloads.other_form("no parameters", cut(start, kInitPayloadBytes), describe(payload));
  payloads.other_form("parameters to the last byte", start + block(unknown_parameter(room)),
                      describe(payload));
  payloads.invalid("a block beyond the payload", "block beyond the payload",
                   cut(start + block(unknown_parameter(room + 1)), kInitPayloadBytes));
  payloads.invalid("a length that reaches beyond the payload", "block beyond the payload",
                   cut(start + from_hex("7fff"), kInitPayloadBytes));
  payloads.invalid("one byte less", "another length", cut(plain, kInitPayloadBytes - 1));
  payloads.invalid("one byte more", "another length", plain + Bytes(1));
  payloads.invalid("nothing", "another length", {});
  const size_t padding = kInitFixedBytes + 1 + plain[kInitFixedBytes];
  payloads.invalid("the first byte of the padding is not zero", "padding that is not zero",
                   changed(plain, padding, 1));
  payloads.invalid("the last byte of the padding is not zero", "padding that is not zero",
                   changed(plain, kInitPayloadBytes - 1, 0x80));
  payloads.invalid("initial credit 4,095", "value outside its range",
                   cut(start + from_hex("04 05 02 4fff"), kInitPayloadBytes));
}

void add_responses(Vectors& payloads) {
  ResponsePayload payload = example_response();
  payloads.exact("the values that hold by default", written(payload), describe(payload));
  payload.parameters = lowest();
  payloads.exact("the lowest parameters", written(payload), describe(payload));
  payload.parameters = highest();
  payloads.exact("the highest parameters", written(payload), describe(payload));

  payload = example_response();
  const Bytes plain = written(payload);
  const Bytes start = cut(plain, kResponseFixedBytes);
  const size_t room = kMaxResponsePayload - kResponseFixedBytes - 2;
  payloads.other_form("as long as there can be", start + block(unknown_parameter(room)),
                      describe(payload));
  payloads.invalid("one byte longer than there can be", "too long",
                   start + block(unknown_parameter(room + 1)));
  payloads.invalid("a byte behind the parameters", "longer than its content", plain + Bytes(1));
  payloads.invalid("no parameters block", "cut off", start);
  payloads.invalid("cut off in the reset token", "cut off", cut(plain, kResponseFixedBytes - 1));
  payloads.invalid("cut off in the parameters", "cut off", cut(plain, plain.size() - 1));
  payloads.invalid("nothing", "cut off", {});
}

// What a block of parameters may hold, shown in a RESPONSE's payload.
void add_parameters(Vectors& payloads) {
  const Bytes start = cut(written(example_response()), kResponseFixedBytes);
  const auto with = [&](const char* content) { return start + block(from_hex(content)); };
  ResponsePayload payload = example_response();
  const auto other_form = [&](const char* name, const char* content) {
    payloads.other_form(name, with(content), describe(payload));
  };
  other_form("no parameters", "");
  other_form("an unknown parameter, empty", "06 00");
  other_form("an unknown parameter with a long id", "c0000000ffffffff 03 616263");
  payload.parameters.max_channels = 100;
  other_form("one parameter", "04 02 4064");
  payload.parameters.idle_timeout_ms = 0;
  other_form("parameters out of order, unknown ones between",
             "04 02 4064 3f 01 ff 01 01 00 4040 02 ffff");

  const struct {
    const char* name;
    const char* why;
    const char* content;
  } invalid[] = {
      {"a parameter twice", "repeated id", "04 01 05 04 01 05"},
      {"an unknown parameter twice", "repeated id", "06 00 01 01 00 06 01 00"},
      {"largest datagram 1,199", "value outside its range", "02 02 44af"},
      {"largest datagram 65,528", "value outside its range", "02 04 8000fff8"},
      {"initial credit 4,095", "value outside its range", "05 02 4fff"},
      {"delay of an acknowledgement 2^24", "value outside its range", "03 04 81000000"},
      {"idle timeout 2^32", "value outside its range", "01 08 c000000100000000"},
      {"channels 2^32", "value outside its range", "04 08 c000000100000000"},
      {"initial credit 2^32", "value outside its range", "05 08 c000000100000000"},
      {"a parameter without value", "value cut off", "01 00"},
      {"a value longer than its block", "value cut off", "01 01 40"},
      {"a value shorter than its block", "value that does not fill its block", "01 02 0000"},
      {"a value not in its shortest form", "number not in its shortest form", "01 02 4005"},
      {"an id not in its shortest form", "number not in its shortest form", "4001 01 05"},
      {"a block beyond the parameters", "block beyond the parameters", "01 02 05"},
      {"an id without block", "block cut off", "01"},
  };
  for (const auto& c : invalid) payloads.invalid(c.name, c.why, with(c.content));
}

}  // namespace

Json payload_vectors() {
  Vectors inits("payload");
  add_inits(inits);
  Vectors responses("payload");
  add_responses(responses);
  add_parameters(responses);
  Json groups = Json::object();
  groups.set("init_payloads", inits.take());
  groups.set("response_payloads", responses.take());
  return groups;
}

}  // namespace hawser::wire::vectors
