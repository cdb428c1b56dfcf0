#include "common/security/credentials.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/text_fields.h"
#include "common/validation.h"
#include "google/protobuf/text_format.h"
#include "rocketmq/clientmanager/v1/credentials.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr size_t kMaxFileBytes = 64 << 10;
constexpr absl::string_view kForm =
    "must be access_key: \"...\" secret_key: \"...\"; what is there is not "
    "shown";

bool IsAccessKey(absl::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != ',' &&
           c != '/';
  });
}

constexpr absl::string_view kAccessKeyRule =
    "access_key must be printable ASCII characters but ',', '/' and blanks";

}  // namespace

absl::Status Credentials::Validate() const {
  if (!credentials_file.empty()) {
    if (access_key.empty() && secret_key.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("credentials must have access_key and secret_key, or "
                     "credentials_file, got credentials_file ",
                     Quoted(credentials_file), " with ",
                     access_key.empty() ? "secret_key" : "access_key"));
  }
  if (!IsAccessKey(access_key)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "credentials.", kAccessKeyRule, ", got ", Quoted(access_key)));
  }
  if (secret_key.empty()) {
    return absl::InvalidArgumentError(
        "credentials.secret_key must not be empty");
  }
  return absl::OkStatus();
}

absl::StatusOr<Credentials> ReadCredentialsFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadTextFile(
      "credentials file", path, kMaxFileBytes, TextFileMode::kOwnersOnly);
  if (!text.ok()) return text.status();
  TextErrors errors(path);
  pb::ClientCredentials read;
  TextPlace end;
  ReadTextFields(*text, &errors, [&](const TextTokens& field) {
    end = PlaceOf(field, static_cast<int>(field.size()) - 1);
    google::protobuf::TextFormat::ParseInfoTree places;
    pb::ClientCredentials one;
    const auto explain = [](const TextTokens&, size_t, const std::string&) {
      return std::string(kForm);
    };
    if (!ParseTextField(field, explain, &errors, &places, &one)) return;
    if ((one.has_access_key() && read.has_access_key()) ||
        (one.has_secret_key() && read.has_secret_key())) {
      errors.Add(PlaceOf(field, 0), "the field stands there twice");
    } else if (one.has_access_key() && !IsAccessKey(one.access_key())) {
      errors.Add(PlaceOf(field, 0), kAccessKeyRule);
    } else if (one.has_secret_key() && one.secret_key().empty()) {
      errors.Add(PlaceOf(field, 0), "secret_key must not be empty");
    }
    read.MergeFrom(one);
  });
  if (errors.count() == 0 && !read.has_access_key()) {
    errors.Add(end, "access_key is missing");
  }
  if (errors.count() == 0 && !read.has_secret_key()) {
    errors.Add(end, "secret_key is missing");
  }
  if (errors.count() > 0) return errors.status();
  return Credentials{read.access_key(), read.secret_key(), ""};
}

}  // namespace rmq
