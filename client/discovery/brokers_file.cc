#include "client/discovery/brokers_file.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/text_fields.h"
#include "google/protobuf/util/json_util.h"
#include "rocketmq/clientmanager/discovery/v1/brokers_file.pb.h"

namespace rmq {
namespace {

namespace discovery = ::rocketmq::clientmanager::discovery::v1;

absl::Status Error(absl::string_view path, absl::StatusCode code,
                   absl::string_view message) {
  return absl::Status(code, absl::StrCat("brokers file ", path, ": ", message));
}

// Protobuf's parser shows a piece of the text on further lines.
absl::string_view FirstLine(absl::string_view text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

absl::StatusOr<std::string> ReadBrokersFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadTextFile(
      "brokers file", path, kMaxBrokersFileBytes, TextFileMode::kRegular);
  if (text.ok() && absl::StripAsciiWhitespace(*text).empty()) {
    return Error(path, absl::StatusCode::kInvalidArgument,
                 "must not be empty, and is");
  }
  return text;
}

absl::StatusOr<std::vector<BrokerEntry>> ParseBrokersFile(
    absl::string_view path, const std::string& text) {
  discovery::BrokersFile file;
  const auto parsed = google::protobuf::util::JsonStringToMessage(text, &file);
  if (!parsed.ok()) {
    const std::string message = parsed.message().ToString();
    return Error(
        path, absl::StatusCode::kInvalidArgument,
        absl::StrCat("must be {\"brokers\": [{\"name\": \"NAME\", \"id\": ID, "
                     "\"address\": \"HOST:PORT\"}, ...]}, got: ",
                     FirstLine(message)));
  }
  if (file.brokers().empty()) {
    return Error(path, absl::StatusCode::kInvalidArgument,
                 "brokers must have one entry at least, and has none");
  }
  std::vector<BrokerEntry> brokers;
  brokers.reserve(file.brokers_size());
  for (discovery::BrokersFileEntry& entry : *file.mutable_brokers()) {
    brokers.push_back({std::move(*entry.mutable_name()), entry.id(),
                       std::move(*entry.mutable_address())});
  }
  const absl::Status status = ValidateBrokers(brokers);
  if (!status.ok()) return Error(path, status.code(), status.message());
  return brokers;
}

}  // namespace rmq
