#include "common/kv.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace rmq {

std::string Kv(absl::string_view key, absl::string_view value) {
  const bool plain =
      !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '"' &&
               c != '\\';
      });
  if (plain) return absl::StrCat(" ", key, "=", value);
  return absl::StrCat(" ", key, "=\"", absl::CHexEscape(value), "\"");
}

}  // namespace rmq
