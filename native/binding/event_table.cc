#include "binding/event_table.h"

namespace hawser::binding {
namespace {

constexpr size_t kColumns = 4;
constexpr double kTimedOut = 16;

}  // namespace

void EventTable::add(EventType type, int32_t handle, double a, double b) {
  double* row = rows_ + count_++ * kColumns;
  row[0] = static_cast<double>(type);
  row[1] = handle;
  row[2] = a;
  row[3] = b;
}

// Belongs to the row that is added next.
void EventTable::set_detail(napi_value value) {
  if (details_ == nullptr && napi_create_object(env_, &details_) != napi_ok) {
    details_ = nullptr;
    return;
  }
  napi_set_element(env_, details_, static_cast<uint32_t>(count_), value);
}

void EventTable::add_closed(EventType type, int32_t handle, const transport::CloseReason& reason) {
  napi_value text = nullptr;
  if (reason.detail_length > 0 &&
      napi_create_string_utf8(env_, reason.detail, reason.detail_length, &text) == napi_ok) {
    set_detail(text);
  }
  add(type, handle, static_cast<double>(reason.code),
      static_cast<double>(reason.by) + (reason.timed_out ? kTimedOut : 0));
}

void EventTable::add_incoming(int32_t handle, int32_t host, int32_t session,
                              const transport::Channel& channel) {
  napi_value detail = nullptr;
  napi_value service = nullptr;
  napi_value metadata = nullptr;
  // Most have none, and a Buffer of no bytes takes as much as one of some.
  const bool empty = channel.metadata_length() == 0;
  if (napi_create_object(env_, &detail) == napi_ok &&
      napi_create_string_utf8(env_, reinterpret_cast<const char*>(channel.service()),
                              channel.service_length(), &service) == napi_ok &&
      (empty || napi_create_buffer_copy(env_, channel.metadata_length(), channel.metadata(),
                                        nullptr, &metadata) == napi_ok)) {
    napi_set_named_property(env_, detail, "service", service);
    if (!empty) napi_set_named_property(env_, detail, "metadata", metadata);
    set_detail(detail);
  }
  add(EventType::kChannelIncoming, handle, host, session);
}

}  // namespace hawser::binding
