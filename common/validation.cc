#include "common/validation.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

constexpr size_t kMaxGroupBytes = 120;
constexpr size_t kMaxQuotedBytes = 64;

bool IsLegalNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '%' ||
         c == '|' || c == '_' || c == '-';
}

absl::Status ValidateLength(absl::string_view field, absl::string_view value,
                            size_t max_bytes) {
  if (value.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " must not be empty"));
  }
  if (value.size() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " must be at most ", max_bytes, " bytes, got ",
                     value.size(), ": ", Quoted(value)));
  }
  return absl::OkStatus();
}

absl::Status ValidateName(absl::string_view field, absl::string_view value,
                          size_t max_bytes) {
  absl::Status status = ValidateLength(field, value, max_bytes);
  if (!status.ok() || IsLegalName(value)) return status;
  return absl::InvalidArgumentError(absl::StrCat(
      field, " must be letters, digits, '%', '|', '_' and '-', got ",
      Quoted(value)));
}

}  // namespace

absl::Status Limits::Validate() const {
  const struct {
    absl::string_view name;
    size_t value;
  } limits[] = {
      {"max_client_id_bytes", max_client_id_bytes},
      {"max_group_bytes", max_group_bytes},
      {"max_topic_bytes", max_topic_bytes},
      {"max_retry_topic_bytes", max_retry_topic_bytes},
      {"max_groups_per_client", max_groups_per_client},
      {"max_subscriptions_per_group", max_subscriptions_per_group},
  };
  for (const auto& limit : limits) {
    if (limit.value == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(limit.name, " must be at least 1, got 0"));
    }
  }
  return absl::OkStatus();
}

bool IsLegalName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return IsLegalNameCharacter(c);
  });
}

bool IsLegalConsumerGroup(absl::string_view group) {
  return group.size() <= kMaxGroupBytes && IsLegalName(group);
}

absl::Status ValidateClientId(absl::string_view field,
                              absl::string_view client_id,
                              const Limits& limits) {
  absl::Status status =
      ValidateLength(field, client_id, limits.max_client_id_bytes);
  if (!status.ok()) return status;
  for (char c : client_id) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError(absl::StrCat(
          field, " must be printable ASCII, got ", Quoted(client_id)));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateGroup(absl::string_view field, absl::string_view group,
                           const Limits& limits) {
  return ValidateName(field, group, limits.max_group_bytes);
}

absl::Status ValidateTopic(absl::string_view field, absl::string_view topic,
                           const Limits& limits) {
  const bool names_a_group = absl::StartsWith(topic, kRetryTopicPrefix) ||
                             absl::StartsWith(topic, kDlqTopicPrefix);
  return ValidateName(
      field, topic,
      names_a_group ? limits.max_retry_topic_bytes : limits.max_topic_bytes);
}

absl::Status ValidateCount(absl::string_view field, size_t count, size_t max) {
  if (count <= max) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(field, " must be at most ", max, ", got ", count));
}

std::string Quoted(absl::string_view value) {
  std::string quoted = absl::StrCat(
      "\"", absl::CHexEscape(value.substr(0, kMaxQuotedBytes)), "\"");
  if (value.size() > kMaxQuotedBytes) {
    absl::StrAppend(&quoted, "... (", value.size(), " bytes)");
  }
  return quoted;
}

}  // namespace rmq
