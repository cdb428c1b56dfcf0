// The form of names and the limits of a request. The broker's edge checks both
// before the processor sees a request. The client checks the form alone before
// it sends: the limits are each broker's own.
//
// Every error names the field, the value (shortened, made printable) and what
// is allowed: InvalidArgument for bad form, ResourceExhausted for a limit on
// how many. Pure functions, thread-safe.
#ifndef COMMON_VALIDATION_H_
#define COMMON_VALIDATION_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace rmq {

// Defaults are RocketMQ's where it has the limit.
struct Limits {
  size_t max_client_id_bytes = 255;
  size_t max_group_bytes = 120;  // Validators.CHARACTER_MAX_LENGTH
  size_t max_topic_bytes = 127;  // TopicValidator.TOPIC_MAX_LENGTH
  // %RETRY% and %DLQ% topics, which carry a group's name.
  size_t max_retry_topic_bytes = 255;
  size_t max_groups_per_client = 256;
  size_t max_subscriptions_per_group = 1024;

  // InvalidArgument naming the first limit that is zero.
  absl::Status Validate() const;
};

inline constexpr absl::string_view kRetryTopicPrefix = "%RETRY%";
inline constexpr absl::string_view kDlqTopicPrefix = "%DLQ%";

// Letters, digits, '%', '|', '_' and '-', at least one.
bool IsLegalName(absl::string_view name);

// Whether a consumer group may be registered: a legal name of at most 120
// bytes, whatever the configured limits are. Reference:
// TopicValidator#validateGroup.
bool IsLegalConsumerGroup(absl::string_view group);

// Whether `text` is UTF-8, as the wire's strings must be: without surrogates
// and overlong encodings.
bool IsUtf8(absl::string_view text);

// A legal name of any length: the form of groups and topics.
absl::Status ValidateNameForm(absl::string_view field, absl::string_view name);

// Printable ASCII characters, at least one: the form of client ids.
absl::Status ValidateClientIdForm(absl::string_view field,
                                  absl::string_view client_id);

// 1 to `limits.max_client_id_bytes` printable ASCII characters (no blanks at
// either end are asked for: RocketMQ's ids have '@', '#' and digits).
absl::Status ValidateClientId(absl::string_view field,
                              absl::string_view client_id,
                              const Limits& limits);

// A legal name of at most `limits.max_group_bytes` bytes.
absl::Status ValidateGroup(absl::string_view field, absl::string_view group,
                           const Limits& limits);

// A legal name of at most `limits.max_topic_bytes` bytes,
// `limits.max_retry_topic_bytes` if it is a retry or dead-letter topic.
absl::Status ValidateTopic(absl::string_view field, absl::string_view topic,
                           const Limits& limits);

// Labels of a client.
inline constexpr size_t kMaxLabels = 16;
inline constexpr size_t kMaxLabelKeyBytes = 64;
inline constexpr size_t kMaxLabelValueBytes = 256;

// A key of 1 to 64 bytes and a value of at most 256, both UTF-8 without control
// characters. The error names labels["key"].
absl::Status ValidateLabel(absl::string_view key, absl::string_view value);

// Whether `text` is UTF-8 without control characters, those of Latin-1
// included.
bool IsPlainText(absl::string_view text);

// ResourceExhausted if `count` is over `max`.
absl::Status ValidateCount(absl::string_view field, size_t count, size_t max);

// `value` in double quotes for a message: at most 64 bytes of it, the rest
// counted, bytes that are not printable ASCII escaped.
std::string Quoted(absl::string_view value);

}  // namespace rmq

#endif  // COMMON_VALIDATION_H_
