// The broker's configuration file: broker_config.proto in protobuf's text
// format.
#ifndef BROKER_CONFIG_FILE_H_
#define BROKER_CONFIG_FILE_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"

namespace rmq {

// Whether a name that is no field of the configuration is one of the broker's
// flags, so that the error can say so.
using IsFlag = std::function<bool(absl::string_view name)>;

// Errors that are told of one file; the others are counted.
inline constexpr size_t kMaxConfigErrors = 20;

// Sets what `text` says in `policy` and `notifier`, and leaves the rest. `name`
// is the file's, for messages.
//
// InvalidArgument with all that is wrong, each on a line as "NAME:LINE:COLUMN:
// what is wrong": what does not parse (the first such error of each field of
// BrokerConfig), and what makes no sense, as names that stand there twice. What
// is accepted also passes GroupPolicy::Options::Validate(). Nothing is set if
// there is an error.
absl::Status ApplyConfigText(absl::string_view name, const std::string& text,
                             const IsFlag& is_flag,
                             GroupPolicy::Options* policy,
                             ConsumerIdsNotifier::Options* notifier);

// A file of 200,000 groups and their topics has about as much.
inline constexpr size_t kMaxConfigBytes = 64 << 20;

// The same for the file at `path`. If it cannot be read whole, the error of the
// operating system (NotFound if there is none), with the path.
// InvalidArgument if it has more than kMaxConfigBytes.
absl::Status ApplyConfigFile(const std::string& path, const IsFlag& is_flag,
                             GroupPolicy::Options* policy,
                             ConsumerIdsNotifier::Options* notifier);

}  // namespace rmq

#endif  // BROKER_CONFIG_FILE_H_
