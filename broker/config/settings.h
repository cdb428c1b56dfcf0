// The settings of a broker: the fields of BrokerConfig that are one value.
//
// A setting has the name of its field, which is also the name of its flag. No
// two settings have the same name, whatever message of BrokerConfig they are
// in.
#ifndef BROKER_CONFIG_SETTINGS_H_
#define BROKER_CONFIG_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {

struct Setting {
  // The field of BrokerConfig that has the setting's message; null if the
  // setting is a field of BrokerConfig itself.
  const google::protobuf::FieldDescriptor* part;
  const google::protobuf::FieldDescriptor* field;

  const std::string& name() const { return field->name(); }
  // The message that has the field.
  const google::protobuf::Message& In(
      const rocketmq::clientmanager::v1::BrokerConfig& config) const;
  google::protobuf::Message* MutableIn(
      rocketmq::clientmanager::v1::BrokerConfig* config) const;
};

// In the order of the .proto file.
const std::vector<Setting>& AllSettings();

// Null if there is none of that name.
const Setting* FindSetting(absl::string_view name);

// Sets the setting to the value that `text`, a flag's, stands for. False if it
// stands for none.
bool SetSetting(const Setting& setting, const std::string& text,
                rocketmq::clientmanager::v1::BrokerConfig* config);

// The value as text, as a flag has it; none if it is not set.
absl::optional<std::string> GetSetting(
    const Setting& setting,
    const rocketmq::clientmanager::v1::BrokerConfig& config);

}  // namespace rmq

#endif  // BROKER_CONFIG_SETTINGS_H_
