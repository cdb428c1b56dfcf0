// The file of brokers that cmctl knows by name: named_brokers.proto in
// protobuf's text format.
#ifndef TOOLS_CMCTL_NAMED_BROKERS_H_
#define TOOLS_CMCTL_NAMED_BROKERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cmctl/named_brokers.pb.h"

namespace rmq::cmctl {

// Whether `text` is a name that a broker may have: 1 to 64 letters, digits and
// . _ -.
bool IsBrokerName(absl::string_view text);
// Whether `text` is HOST:PORT, or unix:PATH.
bool IsBrokerAddress(absl::string_view text);
// Whether `text` is NAME:ID, a broker of a cluster.
bool IsBrokerNameAndId(absl::string_view text);

// Reads the file. Paths are made to be beside it. NotFound if there is none;
// InvalidArgument with all that is wrong, each as "FILE:LINE:COLUMN: what is
// wrong, and what is allowed".
absl::StatusOr<NamedBrokers> ReadNamedBrokers(const std::string& path);

// The broker of that name; null if there is none.
const NamedBroker* FindBroker(const NamedBrokers& brokers,
                              absl::string_view name);

// Writes to the file that the broker of that name is to be used; the rest of it
// stays as it is. NotFound if the file has no such broker. Who reads the file
// reads what it was before, or what it is then.
absl::Status UseBroker(const std::string& path, const std::string& name);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_NAMED_BROKERS_H_
