#include "broker/config/config_file.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/config/policy_configs.h"
#include "broker/config/settings.h"
#include "broker/policy/group_policy.h"
#include "common/text_fields.h"
#include "common/validation.h"
#include "glog/logging.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::TextFormat;

using Place = ConfigPlace;

// Of a flag's name that stands where it is no field. `setting` may be null.
std::string WhereItBelongs(absl::string_view name, const Setting* setting) {
  return absl::StrCat(name, " is a flag: --", name,
                      setting == nullptr ? "; it cannot stand in the file"
                      : setting->part == nullptr
                          ? "; in the file it stands outside of all braces"
                          : absl::StrCat("; in the file it stands in ",
                                         setting->part->name(), " { }"));
}

class ConfigReader {
 public:
  ConfigReader(absl::string_view file, const IsFlag* is_flag)
      : errors_(file), is_flag_(*is_flag) {}

  absl::Status Read(const std::string& text) {
    ReadTextFields(text, &errors_,
                   [this](const TextTokens& field) { ReadField(field); });
    return errors_.status();
  }

  // What was read, if there is no error.
  ConfigText Take() && { return {std::move(config_), std::move(places_)}; }

 private:
  std::string Explain(const TextTokens& tokens, size_t number,
                      const std::string& message) const {
    const std::string& name = tokens[number].text;
    if (!absl::StrContains(message,
                           absl::StrCat("has no field named \"", name, "\""))) {
      return message;
    }
    const Setting* const setting = FindSetting(name);
    return setting != nullptr || is_flag_(name) ? WhereItBelongs(name, setting)
                                                : message;
  }

  // The last of `tokens` is the one that follows.
  void ReadField(const TextTokens& tokens) {
    TextFormat::ParseInfoTree places;
    pb::BrokerConfig field;
    const auto explain = [this](const TextTokens& of, size_t number,
                                const std::string& message) {
      return Explain(of, number, message);
    };
    if (!ParseTextField(tokens, explain, &errors_, &places, &field)) return;

    const google::protobuf::FieldDescriptor* const descriptor =
        pb::BrokerConfig::descriptor()->FindFieldByName(tokens.front().text);
    CHECK(descriptor != nullptr) << tokens.front().text;
    if (!descriptor->is_repeated()) {
      NoteName(PlaceOf(tokens, 0), descriptor->name());
    }
    if (field.has_max_auto_created_groups() &&
        field.max_auto_created_groups() == 0) {
      errors_.Add(PlaceOf(tokens, 0),
                  "max_auto_created_groups must be at least 1, got 0");
    }
    for (const Setting& setting : AllSettings()) {
      if (!GetSetting(setting, field).has_value()) continue;
      places_[setting.name()] =
          setting.part == nullptr
              ? PlaceOf(tokens, 0)
              : PlaceOf(tokens, places.GetTreeForNested(setting.part, -1)
                                    ->GetLocation(setting.field, -1)
                                    .line);
    }
    for (int i = 0; i < field.subscription_groups_size(); ++i) {
      const SubscriptionGroupConfig config =
          ToOptions(field.subscription_groups(i));
      CheckEntry(tokens, places.GetTreeForNested(descriptor, i), config,
                 *descriptor->message_type()->FindFieldByName("group"),
                 absl::StrCat("subscription group ", Quoted(config.group)),
                 FindUnreadableFields(field.subscription_groups(i)));
    }
    for (int i = 0; i < field.topics_size(); ++i) {
      const TopicConfig config = ToOptions(field.topics(i));
      CheckEntry(tokens, places.GetTreeForNested(descriptor, i), config,
                 *descriptor->message_type()->FindFieldByName("topic"),
                 absl::StrCat("topic ", Quoted(config.topic)));
    }
    config_.MergeFrom(field);
  }

  // One of a list, as `config`. Its field `name_field` makes `name`.
  // `unreadable`: fields that `config` could not take.
  template <typename Config>
  void CheckEntry(const TextTokens& tokens,
                  const TextFormat::ParseInfoTree* places, const Config& config,
                  const google::protobuf::FieldDescriptor& name_field,
                  const std::string& name,
                  const std::vector<BadField>& unreadable = {}) {
    const auto place_of =
        [&](const google::protobuf::FieldDescriptor& given) -> Place {
      const int line =
          places == nullptr ? -1 : places->GetLocation(&given, -1).line;
      return PlaceOf(tokens, line);
    };
    NoteName(place_of(name_field), name);
    std::vector<BadField> all_bad = FindBadFields(config);
    all_bad.insert(all_bad.end(), unreadable.begin(), unreadable.end());
    for (const BadField& bad : all_bad) {
      errors_.Add(place_of(*name_field.containing_type()->FindFieldByName(
                      std::string(bad.field))),
                  bad.message);
    }
  }

  // What must stand there once.
  void NoteName(Place place, const std::string& name) {
    const auto [first, is_new] = first_.try_emplace(name, place.line);
    if (is_new) return;
    errors_.Add(place, absl::StrCat(name, " stands there twice, first in line ",
                                    first->second + 1));
  }

  TextErrors errors_;
  const IsFlag& is_flag_;
  pb::BrokerConfig config_;
  ConfigPlaces places_;
  absl::flat_hash_map<std::string, int> first_;  // Name -> line.
};

}  // namespace

absl::StatusOr<ConfigText> ParseConfigText(absl::string_view name,
                                           const std::string& text,
                                           const IsFlag& is_flag) {
  ConfigReader reader(name, &is_flag);
  absl::Status status = reader.Read(text);
  if (!status.ok()) return status;
  return std::move(reader).Take();
}

absl::StatusOr<ConfigText> ReadConfigFile(const std::string& path,
                                          const IsFlag& is_flag) {
  const absl::StatusOr<std::string> text =
      ReadTextFile("config file", path, kMaxConfigBytes, TextFileMode::kAny);
  if (!text.ok()) return text.status();
  return ParseConfigText(path, *text, is_flag);
}

}  // namespace rmq
