#include "broker/config/config_file.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/config/policy_configs.h"
#include "broker/config/settings.h"
#include "broker/policy/group_policy.h"
#include "common/validation.h"
#include "glog/logging.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::TextFormat;
using google::protobuf::io::Tokenizer;

using Place = ConfigPlace;

// The errors of one file.
class ErrorList {
 public:
  explicit ErrorList(absl::string_view file) : file_(file) {}

  void Add(Place place, absl::string_view message) {
    if (++count_ > kMaxConfigErrors) return;
    absl::StrAppend(&text_, text_.empty() ? "" : "\n", file_, ":",
                    place.line + 1, ":", place.column + 1, ": ", message);
  }

  size_t count() const { return count_; }

  absl::Status status() const {
    if (count_ == 0) return absl::OkStatus();
    if (count_ <= kMaxConfigErrors) return absl::InvalidArgumentError(text_);
    return absl::InvalidArgumentError(absl::StrCat(text_, "\n", file_, ": and ",
                                                   count_ - kMaxConfigErrors,
                                                   " errors more"));
  }

 private:
  const absl::string_view file_;
  std::string text_;
  size_t count_ = 0;
};

// What is no token.
class TokenErrors final : public google::protobuf::io::ErrorCollector {
 public:
  explicit TokenErrors(ErrorList* errors) : errors_(*errors) {}
  void AddError(int line, int column, const std::string& message) override {
    errors_.Add({line, column}, message);
  }

 private:
  ErrorList& errors_;
};

// A field of the configuration with its value, as it stands in the file; and
// behind it the token that follows, so that there is a place for what is
// missing.
//
// TextFormat's parser stops at the first error, and often tells the place of
// the token behind it. So each field is parsed for itself, and is given to the
// parser with a token a line: a line it tells is the number of a token.
using Tokens = std::vector<Tokenizer::Token>;

std::string TokenALine(const Tokens& tokens) {
  std::string text;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    absl::StrAppend(&text, tokens[i].text, "\n");
  }
  return text;
}

// The first token's if there is none of that number.
Place PlaceOf(const Tokens& tokens, int number) {
  const Tokenizer::Token& token = tokens[std::min(
      static_cast<size_t>(std::max(number, 0)), tokens.size() - 1)];
  return {token.line, token.column};
}

// Of a flag's name that stands where it is no field. `setting` may be null.
std::string WhereItBelongs(absl::string_view name, const Setting* setting) {
  return absl::StrCat(name, " is a flag: --", name,
                      setting == nullptr ? "; it cannot stand in the file"
                      : setting->part == nullptr
                          ? "; in the file it stands outside of all braces"
                          : absl::StrCat("; in the file it stands in ",
                                         setting->part->name(), " { }"));
}

// The first error of a field: others follow from it.
class FieldErrors final : public google::protobuf::io::ErrorCollector {
 public:
  FieldErrors(const Tokens* tokens, const IsFlag* is_flag, ErrorList* errors)
      : tokens_(*tokens), is_flag_(*is_flag), errors_(*errors) {}

  void AddError(int line, int /*column*/, const std::string& message) override {
    if (std::exchange(told_, true)) return;
    // A token that the message names has been read already.
    if (line > 0 && static_cast<size_t>(line) < tokens_.size()) {
      const std::string& before = tokens_[line - 1].text;
      if (absl::StrContains(message, absl::StrCat("\"", before, "\""))) {
        --line;
        if (absl::StrContains(message, "has no field named")) {
          const Setting* const setting = FindSetting(before);
          if (setting != nullptr || is_flag_(before)) {
            errors_.Add(PlaceOf(tokens_, line),
                        WhereItBelongs(before, setting));
            return;
          }
        }
      }
    }
    errors_.Add(PlaceOf(tokens_, line), message);
  }

 private:
  const Tokens& tokens_;
  const IsFlag& is_flag_;
  ErrorList& errors_;
  bool told_ = false;
};

class ConfigReader {
 public:
  ConfigReader(absl::string_view file, const IsFlag* is_flag)
      : errors_(file), is_flag_(*is_flag) {}

  absl::Status Read(const std::string& text) {
    if (!IsText(text)) return errors_.status();
    google::protobuf::io::ArrayInputStream input(text.data(),
                                                 static_cast<int>(text.size()));
    TokenErrors token_errors(&errors_);
    Tokenizer tokenizer(&input, &token_errors);
    // As TextFormat has it.
    tokenizer.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokenizer.set_require_space_after_number(false);
    tokenizer.set_allow_f_after_float(true);
    Tokens tokens;
    int depth = 0;
    size_t errors_before = errors_.count();
    while (tokenizer.Next()) {
      tokens.push_back(tokenizer.current());
      const std::string token = tokens.back().text;
      if (depth == 0 && BeginsValue(tokens)) {
        // The name before it is the next field's.
        const Tokens next(tokens.end() - 2, tokens.end());
        tokens.pop_back();
        ReadField(tokens, errors_.count() > errors_before);
        errors_before = errors_.count();
        tokens = next;
      }
      if (token == "{" || token == "<" || token == "[") ++depth;
      if (token == "}" || token == ">" || token == "]") {
        depth = std::max(depth - 1, 0);
      }
    }
    tokens.push_back(tokenizer.current());  // The end.
    ReadField(tokens, errors_.count() > errors_before);
    return errors_.status();
  }

  // What was read, if there is no error.
  ConfigText Take() && { return {std::move(config_), std::move(places_)}; }

 private:
  // One error instead of many: of a file that was named by mistake, say.
  bool IsText(const std::string& text) {
    Place place;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte == 0x7f || (byte < 0x20 && (byte < '\t' || byte > '\r'))) {
        errors_.Add(place,
                    absl::StrFormat("the byte 0x%02x: this is no text", byte));
        return false;
      }
      ++place.column;
      if (c == '\n') place = {place.line + 1, 0};
    }
    return true;
  }

  // Whether the last of `tokens` separates a field's name from its value, and
  // the name is not the first token.
  static bool BeginsValue(const Tokens& tokens) {
    const size_t size = tokens.size();
    if (size < 3) return false;
    const std::string& last = tokens.back().text;
    return (last == ":" || last == "{" || last == "<") &&
           tokens[size - 2].type == Tokenizer::TYPE_IDENTIFIER &&
           tokens[size - 3].text != ":";
  }

  // The last of `tokens` is the one that follows.
  void ReadField(const Tokens& tokens, bool has_bad_token) {
    if (tokens.size() == 1 || has_bad_token) return;
    FieldErrors field_errors(&tokens, &is_flag_, &errors_);
    TextFormat::ParseInfoTree places;
    TextFormat::Parser parser;
    parser.RecordErrorsTo(&field_errors);
    parser.WriteLocationsTo(&places);
    pb::BrokerConfig field;
    if (!parser.ParseFromString(TokenALine(tokens), &field)) return;

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
  void CheckEntry(const Tokens& tokens, const TextFormat::ParseInfoTree* places,
                  const Config& config,
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

  ErrorList errors_;
  const IsFlag& is_flag_;
  pb::BrokerConfig config_;
  ConfigPlaces places_;
  absl::flat_hash_map<std::string, int> first_;  // Name -> line.
};

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Uses stdio because std::ifstream opens a directory, and throws when a read
// fails.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const auto error = [&] {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("cannot read config file ", path));
  };
  const std::unique_ptr<std::FILE, FileCloser> file(
      std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return error();
  std::string text;
  char piece[64 << 10];
  while (const size_t size = std::fread(piece, 1, sizeof(piece), file.get())) {
    text.append(piece, size);
    if (text.size() > kMaxConfigBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("config file ", path, " must be at most ",
                       kMaxConfigBytes, " bytes"));
    }
  }
  if (std::ferror(file.get()) != 0) return error();
  return text;
}

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
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  return ParseConfigText(path, *text, is_flag);
}

}  // namespace rmq
