// The broker's configuration file: broker_config.proto in protobuf's text
// format.
#ifndef BROKER_CONFIG_FILE_H_
#define BROKER_CONFIG_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"

namespace rmq {

// Sets what `text` says in `policy` and `notifier`, and leaves the rest. `name`
// is the file's, for messages.
//
// InvalidArgument as "NAME:LINE:COLUMN: what is wrong" for what does not parse;
// what parses and makes no sense is for GroupPolicy::Options::Validate().
// Nothing is set if there is an error.
absl::Status ApplyConfigText(absl::string_view name, const std::string& text,
                             GroupPolicy::Options* policy,
                             ConsumerIdsNotifier::Options* notifier);

// A file of 200,000 groups and their topics has about as much.
inline constexpr size_t kMaxConfigBytes = 64 << 20;

// The same for the file at `path`. If it cannot be read whole, the error of the
// operating system (NotFound if there is none), with the path.
// InvalidArgument if it has more than kMaxConfigBytes.
absl::Status ApplyConfigFile(const std::string& path,
                             GroupPolicy::Options* policy,
                             ConsumerIdsNotifier::Options* notifier);

}  // namespace rmq

#endif  // BROKER_CONFIG_FILE_H_
