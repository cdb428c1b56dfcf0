// Reads a file of brokers: discovery/v1/brokers_file.proto in JSON.
#ifndef CLIENT_DISCOVERY_BROKERS_FILE_H_
#define CLIENT_DISCOVERY_BROKERS_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/broker_entry.h"

namespace rmq {

// The most bytes that a file of brokers may have.
inline constexpr size_t kMaxBrokersFileBytes = 1 << 20;

// What is in the file at `path`, and is not empty. If it cannot be read, the
// error of the operating system (NotFound if there is none). InvalidArgument if
// it is empty, if it has more than kMaxBrokersFileBytes, or if it is a
// directory, a pipe or a device, for none of which this waits.
absl::StatusOr<std::string> ReadBrokersFile(const std::string& path);

// The brokers of the file at `path`, whose text is `text`: one at least, and
// they validate (ValidateBrokers()). Else InvalidArgument, or ResourceExhausted
// for too many, with the path. Fields that this version does not know are
// errors, so that a slip in a name is told.
absl::StatusOr<std::vector<BrokerEntry>> ParseBrokersFile(
    absl::string_view path, const std::string& text);

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_BROKERS_FILE_H_
