// What --print_config and the log show of the configuration.
#include <map>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/config/broker_flags.h"
#include "broker/config/broker_options.h"
#include "broker/config/settings.h"
#include "common/kv.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

absl::string_view NameOf(ConfigSource source) {
  switch (source) {
    case ConfigSource::kDefault: return "default";
    case ConfigSource::kFile: return "file";
    case ConfigSource::kFlag: return "flag";
  }
  return "";
}

}  // namespace

std::string SettingsLine(const EffectiveConfig& effective) {
  const pb::BrokerConfig config = ConfigOf(effective.options);
  std::map<std::string, std::string> values = {
      {"config", absl::GetFlag(FLAGS_config)}};
  for (const Setting& setting : AllSettings()) {
    values[setting.name()] = GetSetting(setting, config).value_or("");
  }
  std::string line;
  for (const auto& [name, value] : values) {
    absl::StrAppend(&line, Kv(name, value));
  }
  absl::StrAppend(&line,
                  Kv("subscription_groups", config.subscription_groups_size()),
                  Kv("topics", config.topics_size()));
  return line;
}

std::string PrintConfig(const EffectiveConfig& effective) {
  pb::BrokerConfig config = ConfigOf(effective.options);
  std::string text;
  const google::protobuf::FieldDescriptor* part = nullptr;
  google::protobuf::TextFormat::Printer printer;
  for (const Setting& setting : AllSettings()) {
    if (setting.part != part) {
      absl::StrAppend(&text, part == nullptr ? "" : "}\n", setting.part->name(),
                      " {\n");
      part = setting.part;
    }
    std::string value;
    printer.PrintFieldValueToString(setting.In(config), setting.field, -1,
                                    &value);
    const auto source = effective.sources.find(setting.name());
    absl::StrAppend(
        &text, part == nullptr ? "" : "  ", setting.name(), ": ", value, "  # ",
        NameOf(source == effective.sources.end() ? ConfigSource::kDefault
                                                 : source->second),
        "\n");
  }
  if (part != nullptr) absl::StrAppend(&text, "}\n");
  pb::BrokerConfig lists;
  lists.mutable_subscription_groups()->Swap(
      config.mutable_subscription_groups());
  lists.mutable_topics()->Swap(config.mutable_topics());
  std::string list_text;
  google::protobuf::TextFormat::PrintToString(lists, &list_text);
  return absl::StrCat(text, list_text);
}

}  // namespace rmq
