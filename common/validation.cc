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

absl::Status MustNotBeEmpty(absl::string_view field) {
  return absl::InvalidArgumentError(absl::StrCat(field, " must not be empty"));
}

absl::Status ValidateLength(absl::string_view field, absl::string_view value,
                            size_t max_bytes) {
  if (value.empty()) return MustNotBeEmpty(field);
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
  if (!status.ok()) return status;
  return ValidateNameForm(field, value);
}

// The length of the character that `text` begins with; 0 if it is not UTF-8.
// Reference: RFC 3629, section 4.
size_t Utf8Length(absl::string_view text) {
  const auto byte = [text](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length;
  unsigned char least = 0x80;  // Of the second byte.
  unsigned char most = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) least = 0xA0;
    if (lead == 0xED) most = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) least = 0x90;
    if (lead == 0xF4) most = 0x8F;
  } else {
    return 0;
  }
  if (text.size() < length || byte(1) < least || byte(1) > most) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

bool IsPlainText(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    if (length == 0 || absl::ascii_iscntrl(lead) ||
        (lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0)) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

namespace {

absl::Status ValidateLabelText(absl::string_view what, absl::string_view key,
                               absl::string_view text, size_t least,
                               size_t most) {
  const auto error = [&](absl::string_view rule, absl::string_view got) {
    return absl::InvalidArgumentError(absl::StrCat("labels[", Quoted(key),
                                                   "]: the ", what, " must be ",
                                                   rule, ", got ", got));
  };
  if (text.size() < least || text.size() > most) {
    return error(absl::StrCat(least, " to ", most, " bytes"),
                 absl::StrCat(text.size()));
  }
  if (!IsPlainText(text)) {
    return error("UTF-8 without control characters", Quoted(text));
  }
  return absl::OkStatus();
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

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

absl::Status ValidateNameForm(absl::string_view field, absl::string_view name) {
  if (name.empty()) return MustNotBeEmpty(field);
  if (IsLegalName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      field, " must be letters, digits, '%', '|', '_' and '-', got ",
      Quoted(name)));
}

absl::Status ValidateClientId(absl::string_view field,
                              absl::string_view client_id,
                              const Limits& limits) {
  absl::Status status =
      ValidateLength(field, client_id, limits.max_client_id_bytes);
  if (!status.ok()) return status;
  return ValidateClientIdForm(field, client_id);
}

absl::Status ValidateClientIdForm(absl::string_view field,
                                  absl::string_view client_id) {
  if (client_id.empty()) return MustNotBeEmpty(field);
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

absl::Status ValidateLabel(absl::string_view key, absl::string_view value) {
  absl::Status status =
      ValidateLabelText("key", key, key, 1, kMaxLabelKeyBytes);
  if (!status.ok()) return status;
  return ValidateLabelText("value", key, value, 0, kMaxLabelValueBytes);
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
