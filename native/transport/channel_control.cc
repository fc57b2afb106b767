// The control frames of a channel.

#include <algorithm>

#include "transport/channel.h"
#include "transport/runtime.h"
#include "transport/session.h"
#include "wire/number.h"

namespace hawser::transport {

namespace {
// The longest REQUEST: type, channel, number of ranges, and the ranges.
constexpr size_t kRequestBytes = 1 + 8 + 2 + wire::kMaxRequestRanges * (4 + 4);
}  // namespace

uint8_t* Channel::write_control(Time now, uint8_t* out, uint8_t* end, FrameRef* refs,
                                size_t& ref_count, size_t ref_capacity) {
  // OPEN and ACCEPT first: what else is in the packet then finds the channel.
  static constexpr FrameRef::Kind kOrder[] = {
      FrameRef::kOpen,    FrameRef::kAccept, FrameRef::kWindow,   FrameRef::kCredit,
      FrameRef::kHint,    FrameRef::kReset,  FrameRef::kRequest,  FrameRef::kSkip,
      FrameRef::kBlocked, FrameRef::kEnd,    FrameRef::kCountNow,
  };
  for (const FrameRef::Kind kind : kOrder) {
    if (!wanted(kind)) continue;
    if (ref_count == ref_capacity) return out;
    FrameRef ref{id_, 0, 0, kind};
    uint8_t* after = write_one(now, kind, out, end, ref);
    if (after == nullptr) return out;
    unwant(kind);
    // There may be more gaps than one frame names.
    if (kind == FrameRef::kRequest && gap_below(request_limit())) want(kind);
    if (after == out) continue;  // no longer called for
    refs[ref_count++] = ref;
    out = after;
  }
  return out;
}

uint8_t* Channel::write_one(Time now, FrameRef::Kind kind, uint8_t* out, uint8_t* end,
                            FrameRef& ref) {
  switch (kind) {
    case FrameRef::kOpen:
      return wire::write(
          out, end,
          wire::Open{id_, service_, service_length_, metadata_, metadata_length_,
                     in_.credit_limit(), local_max_message_, out_.policy().delivery});
    case FrameRef::kAccept:
      return wire::write(
          out, end,
          wire::Accept{id_, in_.announced_credit(), local_max_message_, out_.policy().delivery});
    case FrameRef::kWindow: {
      const auto timeout =
          std::min<uint64_t>(static_cast<uint64_t>(ack_timeout_ / kMicrosecond), UINT32_MAX);
      ref.begin = window_generation_;
      return wire::write(
          out, end,
          wire::Window{id_, window_generation_, out_.window(), controller_.ack_every(),
                       static_cast<uint32_t>(timeout),
                       counted() ? wire::WindowMode::kCounted : wire::WindowMode::kEarly});
    }
    case FrameRef::kCredit: {
      uint8_t* after = wire::write(out, end, wire::Credit{id_, in_.credit_limit()});
      if (after != nullptr) {
        in_.on_credit_announced(now, session_->credit_lead());
        ref.begin = in_.announced_credit();
      }
      return after;
    }
    case FrameRef::kHint: {
      ref.begin = hint_generation_;
      return wire::write(out, end, compose_hint());
    }
    case FrameRef::kRequest: {
      wire::Request request;
      if (static_cast<size_t>(end - out) < kRequestBytes) return nullptr;
      if (!compose_request(now, request)) return out;
      requests_sent_++;
      return wire::write(out, end, request);
    }
    case FrameRef::kSkip: {
      const uint64_t target = out_.skip_target();
      if (target <= out_.base()) return out;
      uint8_t* after = wire::write(
          out, end,
          wire::Skip{id_, wire::truncate32(out_.wire_number(target)), out_.cost_below(target)});
      if (after != nullptr) ref.begin = skip_sent_ = target;
      return after;
    }
    case FrameRef::kCountNow:
      ref.again = count_now_again_;
      return wire::write(out, end, wire::CountNow{id_});
    case FrameRef::kBlocked: {
      uint64_t wanted_cost = 0;
      if (!out_.blocked_by_credit(wanted_cost)) return out;
      return wire::write(out, end, wire::Blocked{id_, wanted_cost});
    }
    case FrameRef::kEnd:
      return wire::write(out, end, wire::End{id_, out_.wire_number(out_.next_sequence()) - 1});
    case FrameRef::kReset:
      return wire::write(
          out, end,
          wire::Reset{id_, static_cast<uint64_t>(reason_.code()), reset_final_, reset_cost_,
                      reinterpret_cast<const uint8_t*>(reason_.text()), reason_.length()});
    default:
      return out;
  }
}

}  // namespace hawser::transport
