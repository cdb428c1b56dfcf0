#include "broker/config/settings.h"

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

const Message& Setting::In(const pb::BrokerConfig& config) const {
  if (part == nullptr) return config;
  return config.GetReflection()->GetMessage(config, part);
}

Message* Setting::MutableIn(pb::BrokerConfig* config) const {
  if (part == nullptr) return config;
  return config->GetReflection()->MutableMessage(config, part);
}

const std::vector<Setting>& AllSettings() {
  static const auto& settings = *[] {
    auto* const all = new std::vector<Setting>;
    const auto* const config = pb::BrokerConfig::descriptor();
    for (int i = 0; i < config->field_count(); ++i) {
      const FieldDescriptor* const field = config->field(i);
      if (field->is_repeated()) continue;
      if (field->message_type() == nullptr) {
        all->push_back({nullptr, field});
        continue;
      }
      for (int k = 0; k < field->message_type()->field_count(); ++k) {
        all->push_back({field, field->message_type()->field(k)});
      }
    }
    return all;
  }();
  return settings;
}

const Setting* FindSetting(absl::string_view name) {
  static const auto& by_name = *[] {
    auto* const map = new absl::flat_hash_map<std::string, const Setting*>;
    for (const Setting& setting : AllSettings()) {
      const bool is_new = map->emplace(setting.name(), &setting).second;
      CHECK(is_new) << "two settings are called " << setting.name();
    }
    return map;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

bool SetSetting(const Setting& setting, const std::string& text,
                pb::BrokerConfig* config) {
  Message* const message = setting.MutableIn(config);
  const Reflection& reflection = *message->GetReflection();
  // Parses `text` into a number of the type of `set`'s argument.
  const auto set_number = [&](auto number, auto set) {
    if (!absl::SimpleAtoi(text, &number)) return false;
    (reflection.*set)(message, setting.field, number);
    return true;
  };
  switch (setting.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(message, setting.field, text);
      return true;
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!absl::SimpleAtob(text, &value)) return false;
      reflection.SetBool(message, setting.field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_INT32:
      return set_number(int32_t{0}, &Reflection::SetInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return set_number(int64_t{0}, &Reflection::SetInt64);
    case FieldDescriptor::CPPTYPE_UINT64:
      return set_number(uint64_t{0}, &Reflection::SetUInt64);
    default: LOG(FATAL) << "no setting has the type of " << setting.name();
  }
}

absl::optional<std::string> GetSetting(const Setting& setting,
                                       const pb::BrokerConfig& config) {
  const Message& message = setting.In(config);
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor* const field = setting.field;
  if (!reflection.HasField(message, field)) return absl::nullopt;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection.GetUInt64(message, field));
    default: LOG(FATAL) << "no setting has the type of " << setting.name();
  }
}

}  // namespace rmq
