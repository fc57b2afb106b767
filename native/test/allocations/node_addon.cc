// The hooks as an addon for Node.js, by which a script starts and stops counting. Loaded with the
// process (LD_PRELOAD), so that its functions come before the C library's, and a second time with
// require(), which finds it there.

#include <dlfcn.h>
#include <link.h>
#include <node_api.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "test/allocations/hooks.h"

namespace hawser::hooks {
namespace {

struct Search {
  std::string name;
  CodeRange found;
};

// The code of the loaded library whose path ends with the name.
int look_at_library(dl_phdr_info* info, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  const std::string path = info->dlpi_name;
  if (!path.ends_with(search->name)) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)& part = info->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    search->found = {info->dlpi_addr + part.p_vaddr, info->dlpi_addr + part.p_vaddr + part.p_memsz};
  }
  return 1;
}

// start(path): counts what the library at `path` asks for.
napi_value start(napi_env env, napi_callback_info info) {
  napi_value argument = nullptr;
  size_t count = 1;
  char path[4096] = {};
  size_t length = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_string_utf8(env, argument, path, sizeof path, &length);
  Search search{path, {}};
  dl_iterate_phdr(&look_at_library, &search);
  if (length == 0 || search.found.end == 0) {
    napi_throw_error(env, nullptr, "no such library is loaded");
    return nullptr;
  }
  start_counting_allocations(search.found);
  return nullptr;
}

std::string describe(const AllocationSite& site) {
  Dl_info place{};
  char text[64];
  std::string what = "?";
  const auto address = reinterpret_cast<uintptr_t>(site.caller);
  if (dladdr(site.caller, &place) != 0 && place.dli_fname != nullptr) {
    const char* slash = std::strrchr(place.dli_fname, '/');
    what = slash == nullptr ? place.dli_fname : slash + 1;
    std::snprintf(text, sizeof text, "+0x%zx",
                  static_cast<size_t>(address - reinterpret_cast<uintptr_t>(place.dli_fbase)));
    what += text;
    if (place.dli_sname != nullptr) what = what + " " + place.dli_sname;
  }
  return what;
}

// stop(): { ours, beneath, elsewhere, sites: [{ where, beneath, calls }] } as JSON.
napi_value stop(napi_env env, napi_callback_info) {
  stop_counting_allocations();
  const AllocationCount count = counted_allocations();
  std::vector<AllocationSite> sites(4096);
  sites.resize(std::min(allocation_sites(sites.data(), sites.size()), sites.size()));
  std::sort(sites.begin(), sites.end(),
            [](const AllocationSite& a, const AllocationSite& b) { return a.calls > b.calls; });
  std::string json = "{\"ours\":" + std::to_string(count.ours) +
                     ",\"beneath\":" + std::to_string(count.beneath) +
                     ",\"elsewhere\":" + std::to_string(count.elsewhere) + ",\"sites\":[";
  for (const AllocationSite& site : sites) {
    if (json.back() != '[') json += ',';
    json += "{\"where\":\"" + describe(site) +
            "\",\"beneath\":" + (site.beneath ? "true" : "false") +
            ",\"calls\":" + std::to_string(site.calls) + "}";
  }
  json += "]}";
  napi_value result = nullptr;
  napi_create_string_utf8(env, json.data(), json.size(), &result);
  return result;
}

}  // namespace
}  // namespace hawser::hooks

extern "C" __attribute__((visibility("default"))) napi_value napi_register_module_v1(
    napi_env env, napi_value exports) {
  napi_value function = nullptr;
  napi_create_function(env, "start", NAPI_AUTO_LENGTH, &hawser::hooks::start, nullptr, &function);
  napi_set_named_property(env, exports, "start", function);
  napi_create_function(env, "stop", NAPI_AUTO_LENGTH, &hawser::hooks::stop, nullptr, &function);
  napi_set_named_property(env, exports, "stop", function);
  return exports;
}
