// The broker's flags, and what they and the configuration file say together.
//
// Precedence of each setting: a flag that is given, the file, the default.
#ifndef BROKER_CONFIG_BROKER_FLAGS_H_
#define BROKER_CONFIG_BROKER_FLAGS_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/flags/declare.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/broker_controller.h"

ABSL_DECLARE_FLAG(std::string, config);
ABSL_DECLARE_FLAG(bool, check_config);
ABSL_DECLARE_FLAG(bool, print_config);

namespace rmq {

// Where the value of a setting is from.
enum class ConfigSource { kDefault, kFile, kFlag };

struct EffectiveConfig {
  // They validate, and none is without a value.
  BrokerController::Options options;
  // By the setting's name; what is absent is a default.
  absl::flat_hash_map<std::string, ConfigSource> sources;
};

// Whether the broker's flags are defined in that file, as opposed to those of
// libraries.
bool DefinesBrokerFlags(absl::string_view source_file);

// Reads the flags, which are parsed already, and the file that --config names.
// InvalidArgument with all that is wrong, an error a line: it names the flag or
// setting, and the place in the file if it comes from there.
absl::StatusOr<EffectiveConfig> ConfigFromFlags();

// " name=value" for each setting, by name, and how many groups and topics the
// file adds.
std::string SettingsLine(const EffectiveConfig& effective);

// The whole configuration as a text that --config takes. A comment behind each
// setting says where its value is from.
std::string PrintConfig(const EffectiveConfig& effective);

}  // namespace rmq

#endif  // BROKER_CONFIG_BROKER_FLAGS_H_
