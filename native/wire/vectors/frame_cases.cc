#include "wire/vectors/cases.h"

namespace hawser::wire::vectors {

namespace {

// Each vector is the content of one DATA packet.
class Frames {
 public:
  template <typename... Frame>
  void exact(const char* name, const Frame&... frames) {
    Bytes bytes;
    ((bytes = bytes + written(frames)), ...);
    add(name, bytes, true, frames...);
  }

  // Valid bytes with more in them than the frames that a reader reports.
  template <typename... Frame>
  void with_more(const char* name, const std::string& hex, const Frame&... frames) {
    add(name, from_hex(hex), false, frames...);
  }

  void invalid(const char* name, const char* why, const Bytes& bytes) {
    list_.add(invalid_vector(name, why, bytes));
  }
  void invalid(const char* name, const char* why, const char* hex) {
    invalid(name, why, from_hex(hex));
  }

  Json take() { return std::move(list_); }

 private:
  template <typename... Frame>
  void add(const char* name, const Bytes& bytes, bool exact, const Frame&... frames) {
    Json json = vector_start(name, bytes);
    if (!exact) json.set("exact", Json::boolean(false));
    Json described = Json::array();
    (described.add(describe(frames)), ...);
    json.set("frames", std::move(described));
    list_.add(std::move(json));
  }

  Json list_ = Json::array();
};

constexpr const char* kOutOfRange = "value outside its range";
constexpr const char* kCutOff = "cut off";
constexpr const char* kLongForm = "number not in its shortest form";

Open open_of(uint64_t channel, const Bytes& service, const Bytes& metadata, uint64_t limit,
             uint64_t max_message, Delivery delivery = Delivery::kOrdered) {
  return {channel,         service.data(), service.size(), metadata.data(),
          metadata.size(), limit,          max_message,    delivery};
}

Reset reset_of(uint64_t channel, uint64_t code, uint64_t sequence, uint64_t cost,
               const Bytes& reason) {
  return {channel, code, sequence, cost, reason.data(), reason.size()};
}

Message message_of(uint64_t channel, uint32_t sequence, const Bytes& blocks) {
  return {channel, sequence, 0, blocks.data(), blocks.size()};
}

Fragment fragment_of(uint64_t channel, uint32_t sequence, uint64_t total, uint64_t offset,
                     const Bytes& piece) {
  return {channel, sequence, total, offset, piece.data(), piece.size()};
}

void add_simple(Frames& frames) {
  frames.exact("PING", Ping{});
  frames.exact("ACK_NOW", AckNow{});
  frames.exact("COUNT_NOW", CountNow{3});
  frames.exact("COUNT_NOW, highest", CountNow{kMaxVarint});
  frames.invalid("COUNT_NOW of channel 0", kOutOfRange, "28 00");
  frames.exact("several frames", Ping{}, AckNow{}, Credit{1, 70000}, Ping{});
  frames.with_more("PADDING alone", "00");
  frames.with_more("a run of PADDING", "0000000000000000000000");
  frames.with_more("PADDING between and behind", "00 01 000000000000000000 04 00", Ping{},
                   AckNow{});
  frames.with_more("an unknown frame of type 0x40", "4040 00");
  frames.with_more("unknown frames between others",
                   "01 4041 03 010203 04 80004000 4040" + std::string(128, '0') + "01", Ping{},
                   AckNow{}, Ping{});

  frames.invalid("no frames", "packet without frames", "");
  frames.invalid("a type in two bytes", kLongForm, "4001");
  frames.invalid("a type cut off", kCutOff, "40");
  frames.invalid("an unknown frame without length", kCutOff, "4040");
  frames.invalid("an unknown frame beyond the packet", kCutOff, "4040 03 0102");
  frames.invalid("garbage behind a good frame", "reserved type", "01 13");
  for (int type = 0; type < 0x40; ++type) {
    const bool known = type <= 0x12 || (type >= 0x14 && type <= 0x17) || type == 0x28;
    if (known) continue;
    // As long as any frame, so that only the type can be what is wrong.
    const Bytes byte = {static_cast<uint8_t>(type)};
    const std::string name = "type 0x" + to_hex(byte);
    frames.invalid(name.c_str(), "unknown or reserved type", byte + counting(1, 40));
  }
}

void add_acks(Frames& frames) {
  frames.exact("ACK of one packet", Ack{0, 1, {{0, 0}}});
  frames.exact("ACK of a run", Ack{25000, 1, {{100, 163}}});
  frames.exact("ACK with the smallest gaps", Ack{1, 3, {{10, 10}, {8, 8}, {0, 6}}});
  frames.exact("ACK with wide gaps", Ack{70000, 2, {{1u << 30, 1u << 30}, {5, 20000}}});
  frames.exact("ACK of the largest number", Ack{kMaxVarint, 1, {{0, kMaxVarint}}});
  Ack most{12, kMaxAckRanges, {}};
  for (uint32_t i = 0; i < kMaxAckRanges; ++i) {
    most.ranges[i].last = 5000000000 - uint64_t{100} * i;
    most.ranges[i].first = most.ranges[i].last - uint64_t{2} * i;
  }
  frames.exact("ACK with 32 ranges", most);
  frames.invalid("ACK with 33 ranges", kOutOfRange, from_hex("02 4400 00 20 00") + Bytes(64));
  frames.invalid("ACK whose first range goes below 0", "range below zero", "02 05 00 00 06");
  frames.invalid("ACK whose gap goes below 0", "range below zero", "02 05 00 01 00 04 00");
  frames.invalid("ACK whose second range goes below 0", "range below zero", "02 05 00 01 00 00 04");
  frames.invalid("ACK with a range missing", kCutOff, "02 05 00 01 00");
  frames.invalid("ACK with a largest number in a long form", kLongForm, "02 4005 00 00 00");

  frames.exact("ACK_POLICY, lowest", AckPolicy{0, 1, 0, 1});
  frames.exact("ACK_POLICY, highest",
               AckPolicy{kMaxVarint, kMaxPolicyPackets, kMaxAckDelayUs, kMaxReorderingThreshold});
  frames.invalid("ACK_POLICY, P = 0", kOutOfRange, "05 01 00 00 03");
  frames.invalid("ACK_POLICY, P = 65,537", kOutOfRange, "05 01 80010001 00 03");
  frames.invalid("ACK_POLICY, delay 2^24", kOutOfRange, "05 01 02 81000000 03");
  frames.invalid("ACK_POLICY, threshold 0", kOutOfRange, "05 01 02 00 00");
  frames.invalid("ACK_POLICY, threshold 1,025", kOutOfRange, "05 01 02 00 4401");

  frames.exact("COUNT of one channel", Count{1, {{1, 0}}});
  frames.exact("COUNT of several channels",
               Count{3, {{1, 32768}, {2, UINT32_MAX}, {8589934590, 1}}});
  Count most_counts{kMaxCountEntries, {}};
  for (uint32_t i = 0; i < kMaxCountEntries; ++i) most_counts.entries[i] = {i + 1, i * 1000};
  frames.exact("COUNT of 64 channels", most_counts);
  frames.invalid("COUNT of no channel", kOutOfRange, "06 00");
  Bytes too_many = from_hex("06 4041");
  for (uint8_t i = 1; i <= 65; ++i) {
    too_many = too_many + (i < 64 ? Bytes{i} : Bytes{0x40, i}) + Bytes(4);
  }
  frames.invalid("COUNT of 65 channels", kOutOfRange, too_many);
  frames.invalid("COUNT of channel 0", kOutOfRange, "06 01 00 00000001");
  frames.invalid("COUNT with an entry cut off", kCutOff, "06 02 01 00000001 03 000000");
}

void add_flow(Frames& frames) {
  frames.exact("WINDOW, lowest", Window{1, 0, kMinWindow, 1, 0, WindowMode::kEarly});
  frames.exact("WINDOW, highest", Window{8589934590, kMaxVarint, kMaxWindow, kMaxWindow, UINT32_MAX,
                                         WindowMode::kEarly});
  frames.exact("WINDOW", Window{5, 3, 32768, 16384, 250000, WindowMode::kEarly});
  frames.invalid("WINDOW, N = 1", kOutOfRange, "09 01 01 01 01 00 00");
  frames.invalid("WINDOW, N = 65,537", kOutOfRange, "09 01 01 80010001 01 00 00");
  frames.invalid("WINDOW, M = 0", kOutOfRange, "09 01 01 10 00 00 00");
  frames.invalid("WINDOW, M above N", kOutOfRange, "09 01 01 10 11 00 00");
  frames.invalid("WINDOW, T = 2^32", kOutOfRange, "09 01 01 10 01 c000000100000000 00");
  frames.exact("WINDOW, counted", Window{5, 1, 8, 4, 30000, WindowMode::kCounted});
  frames.invalid("WINDOW, mode 2", kOutOfRange, "09 01 01 10 01 00 02");
  frames.invalid("WINDOW of channel 0", kOutOfRange, "09 00 01 10 01 00 00");

  frames.exact("WINDOW_HINT without advice", WindowHint{1, 1, 0, 0, 0});
  frames.exact("WINDOW_HINT, highest",
               WindowHint{kMaxVarint, kMaxVarint, kLossUnit, kMaxWindow, kMaxWindow});
  frames.exact("WINDOW_HINT", WindowHint{6, 2, 13107, 64, 16});
  frames.invalid("WINDOW_HINT, loss 65,537", kOutOfRange, "0a 01 01 80010001 00 00");
  frames.invalid("WINDOW_HINT, N = 1", kOutOfRange, "0a 01 01 00 01 00");
  frames.invalid("WINDOW_HINT, N = 65,537", kOutOfRange, "0a 01 01 00 80010001 00");
  frames.invalid("WINDOW_HINT, M above N", kOutOfRange, "0a 01 01 00 10 11");
  frames.invalid("WINDOW_HINT of channel 0", kOutOfRange, "0a 00 01 00 10 08");

  frames.exact("REQUEST of one message", Request{1, 1, {{7, 1}}});
  frames.exact("REQUEST of two messages", Request{5, 2, {{3, 1}, {7, 1}}});
  frames.exact("REQUEST across the wrap", Request{2, 3, {{0xfffffff0, 16}, {0, 2}, {3, 65536}}});
  Request most_wanted{4, kMaxRequestRanges, {}};
  for (uint32_t i = 0; i < kMaxRequestRanges; ++i) most_wanted.ranges[i] = {i * 1000, i + 1};
  frames.exact("REQUEST of 64 ranges", most_wanted);
  frames.invalid("REQUEST of nothing", kOutOfRange, "07 01 00");
  frames.invalid("REQUEST of 65 ranges", kOutOfRange, from_hex("07 01 4041") + Bytes(65 * 5));
  frames.invalid("REQUEST of 65,537 messages", kOutOfRange, "07 01 01 00000001 80010000");
  frames.invalid("REQUEST of overlapping ranges", "not in order",
                 "07 01 02 00000001 01 00000002 00");
  frames.invalid("REQUEST of falling ranges", "not in order", "07 01 02 00000005 00 00000002 00");
  frames.invalid("REQUEST with a range cut off", kCutOff, "07 01 02 00000001 00 000000");
  frames.invalid("REQUEST of channel 0", kOutOfRange, "07 00 01 00000001 00");

  frames.exact("SKIP", Skip{1, 9, 5000});
  frames.exact("SKIP, highest", Skip{kMaxVarint, UINT32_MAX, kMaxVarint});
  frames.invalid("SKIP of channel 0", kOutOfRange, "08 00 00000001 00");
  frames.invalid("SKIP cut off", kCutOff, "08 01 00000001");

  frames.exact("CREDIT", Credit{1, 65536});
  frames.exact("CREDIT, highest", Credit{kMaxVarint, kMaxVarint});
  frames.invalid("CREDIT of channel 0", kOutOfRange, "0b 00 01");
  frames.exact("BLOCKED", Blocked{2, 16777300});
  frames.invalid("BLOCKED of channel 0", kOutOfRange, "0c 00 01");
  frames.exact("MAX_CHANNELS, lowest", MaxChannels{0});
  frames.exact("MAX_CHANNELS", MaxChannels{4294967295});
}

void add_channels(Frames& frames) {
  const Bytes none;
  const Bytes longest_text(kMaxService, 'x');
  const Bytes metadata = counting(0, kMaxMetadata);
  frames.exact("OPEN", open_of(1, bytes_of("files"), bytes_of("v1"), 65536, 16777216));
  frames.exact("OPEN, shortest", open_of(2, bytes_of("a"), none, 0, 1));
  frames.exact("OPEN, longest", open_of(kMaxVarint, longest_text, metadata, kMaxVarint, kMaxMessage,
                                        Delivery::kUnreliable));
  frames.exact("OPEN with a name of 1 to 4 bytes a character",
               open_of(3, from_hex("7a c3a9 e282ac f09f9a80"), none, 65536, 1000));
  const Bytes open_start = from_hex("0e 01");
  const Bytes open_end = from_hex("4400 4400 00");  // limit, largest message, delivery
  frames.invalid("OPEN without service", kOutOfRange, open_start + from_hex("00 00") + open_end);
  frames.invalid("OPEN with a service of 256 bytes", kOutOfRange,
                 open_start + from_hex("4100") + Bytes(256, 'x') + from_hex("00") + open_end);
  frames.invalid("OPEN with metadata of 1,025 bytes", kOutOfRange,
                 open_start + from_hex("01 61 4401") + Bytes(1025, 1) + open_end);
  frames.invalid("OPEN, largest message 0", kOutOfRange,
                 open_start + from_hex("01 61 00 4400 00 00"));
  frames.invalid("OPEN, largest message 2^30", kOutOfRange,
                 open_start + from_hex("01 61 00 4400 c000000040000000 00"));
  frames.invalid("OPEN, delivery 4", kOutOfRange, open_start + from_hex("01 61 00 4400 4400 04"));
  frames.invalid("OPEN without delivery", kCutOff, open_start + from_hex("01 61 00 4400 4400"));
  frames.invalid("OPEN of channel 0", kOutOfRange, "0e 00 01 61 00 4400 4400 00");
  const struct {
    const char* name;
    const char* service;
  } bad_texts[] = {
      {"OPEN with a lone continuation", "01 80"},
      {"OPEN with a character cut off", "02 e282"},
      {"OPEN with a long form of '/'", "02 c0af"},
      {"OPEN with a surrogate", "03 eda080"},
      {"OPEN with a character above U+10FFFF", "04 f4908080"},
      {"OPEN with a byte 0xff", "01 ff"},
  };
  for (const auto& c : bad_texts) {
    frames.invalid(c.name, "not UTF-8",
                   open_start + from_hex(c.service) + from_hex("00") + open_end);
  }

  frames.exact("ACCEPT", Accept{1, 65536, 16777216, Delivery::kOrdered});
  frames.exact("ACCEPT, highest", Accept{kMaxVarint, kMaxVarint, kMaxMessage, Delivery::kLatest});
  frames.exact("ACCEPT, unordered", Accept{2, 70000, 1000, Delivery::kUnordered});
  frames.invalid("ACCEPT, delivery 4", kOutOfRange, "0f 01 4400 4400 04");
  frames.invalid("ACCEPT, largest message 0", kOutOfRange, "0f 01 4400 00 00");
  frames.invalid("ACCEPT, largest message 2^30", kOutOfRange, "0f 01 4400 c000000040000000 00");
  frames.invalid("ACCEPT of channel 0", kOutOfRange, "0f 00 4400 4400 00");

  frames.exact("END without messages", End{1, 0});
  frames.exact("END", End{4, 5000000000});
  frames.invalid("END of channel 0", kOutOfRange, "10 00 00");
  frames.exact("RESET", reset_of(3, 0x10, 12, 5000, bytes_of("no longer wanted")));
  frames.exact("RESET without reason", reset_of(3, 0, 0, 0, none));
  frames.exact("RESET with an unknown code", reset_of(3, 0x4000, 1, 33, longest_text));
  frames.invalid("RESET with a reason of 256 bytes", kOutOfRange,
                 from_hex("11 03 00 00 00 4100") + Bytes(256, 'x'));
  frames.invalid("RESET with a reason that is not UTF-8", "not UTF-8", "11 03 00 00 00 01 ff");
  frames.invalid("RESET of channel 0", kOutOfRange, "11 00 00 00 00 00");
  const Bytes bye = bytes_of("bye");
  frames.exact("CLOSE", Close{0, bye.data(), bye.size()});
  frames.exact("CLOSE with the longest reason", Close{8, longest_text.data(), longest_text.size()});
  frames.exact("CLOSE without reason", Close{2, nullptr, 0});
  frames.invalid("CLOSE with a reason of 256 bytes", kOutOfRange,
                 from_hex("12 00 4100") + Bytes(256, 'x'));
  frames.invalid("CLOSE with a reason that is not UTF-8", "not UTF-8", "12 00 02 c3 28");
}

void add_messages(Frames& frames) {
  const Bytes sixty_four = from_hex("4040") + counting(0, 64);
  frames.exact("MESSAGE with one message", message_of(1, 1, from_hex("02 6869")));
  frames.exact("MESSAGE with an empty message", message_of(1, 1, from_hex("00")));
  frames.exact("MESSAGE with three messages",
               message_of(2, 0xfffffffe, from_hex("01 61 00 02 6263")));
  frames.exact("MESSAGE with a message of 64 bytes", message_of(1, 9, sixty_four));
  frames.exact("MESSAGE of a large channel", message_of(8589934589, 0, from_hex("01 61")));
  frames.exact("two MESSAGEs", message_of(1, 1, from_hex("01 61")),
               message_of(3, 77, from_hex("01 62")));
  frames.invalid("MESSAGE without messages", "length 0", "14 01 00000001 00");
  frames.invalid("MESSAGE of channel 0", kOutOfRange, "14 00 00000001 01 00");
  frames.invalid("MESSAGE beyond the packet", kCutOff, "14 01 00000001 03 02 68");
  frames.invalid("MESSAGE with a message beyond the frame", "messages do not fill the frame",
                 "14 01 00000001 02 02 68 69");
  frames.invalid("MESSAGE with half a length at its end", "messages do not fill the frame",
                 "14 01 00000001 03 01 61 40 40");
  frames.invalid("MESSAGE with a length in a long form", kLongForm, "14 01 00000001 03 4001 61");
  frames.invalid("MESSAGE cut off in its sequence", kCutOff, "14 01 000000");

  frames.exact("FRAGMENT, first", fragment_of(1, 5, 100000, 0, counting(0, 40)));
  frames.exact("FRAGMENT, last", fragment_of(1, 5, 100000, 99960, counting(9, 40)));
  frames.exact("FRAGMENT with all of its message", fragment_of(2, 1, 1, 0, from_hex("aa")));
  frames.exact("FRAGMENT of the longest message",
               fragment_of(7, UINT32_MAX, kMaxMessage, kMaxMessage - 3, from_hex("010203")));
  frames.invalid("FRAGMENT without bytes", kOutOfRange, "15 01 00000005 0a 00 00");
  frames.invalid("FRAGMENT of a message of 0 bytes", kOutOfRange, "15 01 00000005 00 00 00");
  frames.invalid("FRAGMENT beyond its message", kOutOfRange, "15 01 00000005 0a 09 02 6162");
  frames.invalid("FRAGMENT with an offset beyond its message", kOutOfRange,
                 "15 01 00000005 0a 0b 01 61");
  frames.invalid("FRAGMENT of channel 0", kOutOfRange, "15 00 00000005 0a 00 01 61");
  frames.invalid("FRAGMENT beyond the packet", kCutOff, "15 01 00000005 0a 00 02 61");
}

void add_crypto(Frames& frames) {
  const Bytes longest = counting(0, kMaxCryptoMessage);
  const auto crypto = [](uint64_t generation, uint32_t step, const Bytes& message) {
    return Crypto{generation, step, message.data(), message.size()};
  };
  const Bytes one = from_hex("aa");
  frames.exact("CRYPTO, shortest", crypto(1, 1, one));
  frames.exact("CRYPTO, longest", crypto(kMaxVarint, kLastCryptoStep, longest));
  const Bytes message = counting(0x10, 96);
  frames.exact("CRYPTO", crypto(70, 2, message), Ping{});
  frames.invalid("CRYPTO of generation 0", kOutOfRange, "03 00 01 01 aa");
  frames.invalid("CRYPTO, step 0", kOutOfRange, "03 01 00 01 aa");
  frames.invalid("CRYPTO, step 3", kOutOfRange, "03 01 03 01 aa");
  frames.invalid("CRYPTO without message", kOutOfRange, "03 01 01 00");
  frames.invalid("CRYPTO with a message of 257 bytes", kOutOfRange,
                 from_hex("03 01 01 4101") + Bytes(257, 1));
  frames.invalid("CRYPTO beyond the packet", kCutOff, "03 01 01 02 aa");
  frames.invalid("CRYPTO with a step in a long form", kLongForm, "03 01 4001 01 aa");

  frames.exact("PATH_CHALLENGE", PathChallenge{{0xa1, 2, 3, 4, 5, 6, 7, 8}});
  frames.exact("PATH_RESPONSE", PathResponse{{255, 254, 253, 252, 251, 250, 249, 248}}, Ping{});
  frames.exact("PATH_CHALLENGE and PATH_RESPONSE that end like PADDING", PathChallenge{{0xa1}},
               PathResponse{{0, 0xa1}}, Ping{});
  frames.invalid("PATH_CHALLENGE of 7 bytes", kCutOff, "16 01020304050607");
  frames.invalid("PATH_RESPONSE of 7 bytes", kCutOff, "17 01020304050607");
}

}  // namespace

Json frame_vectors() {
  Frames frames;
  add_simple(frames);
  add_acks(frames);
  add_flow(frames);
  add_channels(frames);
  add_messages(frames);
  add_crypto(frames);
  Json groups = Json::object();
  groups.set("frames", frames.take());
  return groups;
}

}  // namespace hawser::wire::vectors
