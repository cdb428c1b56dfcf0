// The tail of a log line: " key=value", so that lines can be searched.
//
//   LOG(INFO) << "joined" << Kv("group", group) << Kv("client_id", id);
//
// A value with a blank, a quote or an unprintable byte is quoted and escaped: a
// client cannot forge a line of the log.
#ifndef COMMON_KV_H_
#define COMMON_KV_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rmq {

std::string Kv(absl::string_view key, absl::string_view value);

inline std::string Kv(absl::string_view key, const char* value) {
  return Kv(key, absl::string_view(value));
}

// Numbers and what else absl::AlphaNum takes.
template <typename T>
std::string Kv(absl::string_view key, const T& value) {
  return Kv(key, absl::string_view(absl::StrCat(value)));
}

inline std::string Kv(absl::string_view key, const std::string& value) {
  return Kv(key, absl::string_view(value));
}

}  // namespace rmq

#endif  // COMMON_KV_H_
