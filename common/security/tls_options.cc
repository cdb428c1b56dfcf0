#include "common/security/tls_options.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {

absl::Status TlsOptions::Validate() const {
  if (cert_file.empty() != key_file.empty()) {
    const bool has_key = cert_file.empty();
    return absl::InvalidArgumentError(absl::StrCat(
        "tls.cert_file and tls.key_file must be given together, got only tls.",
        has_key ? "key_file " : "cert_file ",
        Quoted(has_key ? key_file : cert_file)));
  }
  const bool is_name =
      std::all_of(server_name.begin(), server_name.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
               c == '.' || c == '_' || c == ':';
      });
  if (!is_name) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tls.server_name must be a host name or an IP address, got ",
        Quoted(server_name)));
  }
  return absl::OkStatus();
}

}  // namespace rmq
