// The broker's configuration file: broker_config.proto in protobuf's text
// format.
#ifndef BROKER_CONFIG_CONFIG_FILE_H_
#define BROKER_CONFIG_CONFIG_FILE_H_

#include <cstddef>
#include <functional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/text_fields.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {

// Whether a name that is no setting is one of the broker's flags, so that the
// error can say so.
using IsFlag = std::function<bool(absl::string_view name)>;

using ConfigPlace = TextPlace;

// Where each setting stands that the file sets, by the setting's name.
using ConfigPlaces = absl::flat_hash_map<std::string, ConfigPlace>;

struct ConfigText {
  rocketmq::clientmanager::v1::BrokerConfig config;
  ConfigPlaces places;
};

// Parses `text`. `name` is the file's, for messages.
//
// InvalidArgument with all that is wrong, each on a line as "NAME:LINE:COLUMN:
// what is wrong": what does not parse (the first such error of each field of
// BrokerConfig), groups and topics that make no sense, and names that stand
// there twice. Whether the settings make sense is seen only when flags have
// overridden them.
absl::StatusOr<ConfigText> ParseConfigText(absl::string_view name,
                                           const std::string& text,
                                           const IsFlag& is_flag);

// A file of 200,000 groups and their topics has about as much.
inline constexpr size_t kMaxConfigBytes = 64 << 20;

// The same for the file at `path`. If it cannot be read whole, the error of the
// operating system (NotFound if there is none), with the path.
// InvalidArgument if it has more than kMaxConfigBytes.
absl::StatusOr<ConfigText> ReadConfigFile(const std::string& path,
                                          const IsFlag& is_flag);

}  // namespace rmq

#endif  // BROKER_CONFIG_CONFIG_FILE_H_
