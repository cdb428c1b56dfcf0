#include "broker/config/auth_file.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/auth/access.h"
#include "common/text_fields.h"
#include "common/validation.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "rocketmq/clientmanager/v1/auth_rules.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::TextFormat;
using google::protobuf::io::Tokenizer;
using List = AuthConfigError::List;

// Where an entry and its fields stand.
struct EntryPlaces {
  TextPlace entry;
  absl::flat_hash_map<std::string, TextPlace> fields;

  TextPlace Of(absl::string_view field) const {
    const auto found = fields.find(field);
    return found == fields.end() ? entry : found->second;
  }
};

// "A, B or C": the names of an enum's values but that of 0 if it means nothing.
std::string ValuesOf(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    const std::string& name = type.value(i)->name();
    if (!absl::EndsWith(name, "_UNSPECIFIED")) names.push_back(name);
  }
  return absl::StrCat(absl::StrJoin(names.begin(), names.end() - 1, ", "),
                      names.size() > 1 ? " or " : "", names.back());
}

// Whether the token of that number stands where a secret should, or right
// behind one: it may be a part of the secret.
bool MayBeSecret(const TextTokens& tokens, size_t number) {
  size_t first = number;
  while (first > 0 && (tokens[first - 1].text == ":" ||
                       tokens[first - 1].type == Tokenizer::TYPE_STRING)) {
    --first;
  }
  if (first == 0 || tokens[first - 1].text != "secret") return false;
  // Another field, which a blank keeps apart.
  const Tokenizer::Token& token = tokens[number];
  const Tokenizer::Token& before = tokens[number - 1];
  const bool is_apart =
      token.line > before.line || token.column > before.end_column;
  const bool is_name = token.type == Tokenizer::TYPE_IDENTIFIER &&
                       number + 1 < tokens.size() &&
                       tokens[number + 1].text == ":";
  const bool is_end = token.text == "}" || token.type == Tokenizer::TYPE_END;
  return before.type != Tokenizer::TYPE_STRING ||
         !(is_end || (is_apart && is_name));
}

// Of a name that is no field: the fields there are.
std::string FieldsBeside(const std::string& message, const std::string& name) {
  for (const google::protobuf::Descriptor* const type :
       {pb::AuthRules::descriptor(), pb::AuthUser::descriptor(),
        pb::AuthCertificate::descriptor(), pb::AuthRule::descriptor()}) {
    if (!absl::StrContains(message,
                           absl::StrCat("\"", type->full_name(), "\""))) {
      continue;
    }
    std::vector<std::string> names;
    for (int i = 0; i < type->field_count(); ++i) {
      names.push_back(type->field(i)->name());
    }
    return absl::StrCat("there is no field ", Quoted(name), ": there are ",
                        absl::StrJoin(names, ", "));
  }
  return message;
}

std::string Explain(const TextTokens& tokens, size_t number,
                    const std::string& message) {
  if (MayBeSecret(tokens, number)) {
    return "secret must be one text in quotes; what is there is not shown";
  }
  const std::string& token = tokens[number].text;
  if (absl::StrContains(message, "has no field named")) {
    return FieldsBeside(message, token);
  }
  if (absl::StartsWith(message, "Unknown enumeration value")) {
    for (const auto* const type :
         {pb::AuthUser::descriptor(), pb::AuthRule::descriptor()}) {
      for (int i = 0; i < type->field_count(); ++i) {
        const FieldDescriptor& field = *type->field(i);
        if (field.enum_type() == nullptr ||
            !absl::StrContains(message,
                               absl::StrCat("\"", field.name(), "\""))) {
          continue;
        }
        return absl::StrCat(field.name(), " must be ",
                            ValuesOf(*field.enum_type()), ", got ",
                            Quoted(token));
      }
    }
  }
  return message;
}

AuthActions ToAction(int action) {
  switch (action) {
    case pb::AuthRule::ALL: return AuthActions::All();
    case pb::AuthRule::PUB: return {AuthAction::kPub};
    case pb::AuthRule::SUB: return {AuthAction::kSub};
    case pb::AuthRule::CREATE: return {AuthAction::kCreate};
    case pb::AuthRule::UPDATE: return {AuthAction::kUpdate};
    case pb::AuthRule::DELETE: return {AuthAction::kDelete};
    case pb::AuthRule::GET: return {AuthAction::kGet};
    case pb::AuthRule::LIST: return {AuthAction::kList};
    default: return {};
  }
}

class AuthReader {
 public:
  explicit AuthReader(absl::string_view file) : errors_(file) {}

  absl::StatusOr<AuthText> Read(const std::string& text) && {
    ReadTextFields(text, &errors_,
                   [this](const TextTokens& field) { ReadField(field); });
    // What is missing because it did not parse is no further error.
    if (errors_.count() == 0) {
      for (const AuthConfigError& error : FindErrors(config_)) Tell(error);
    }
    absl::Status status = errors_.status();
    if (!status.ok()) return status;
    AuthText parsed = {std::move(config_), {}};
    for (const EntryPlaces& rule : rules_) {
      parsed.rule_lines.push_back(rule.entry.line + 1);
    }
    return parsed;
  }

 private:
  void ReadField(const TextTokens& tokens) {
    TextFormat::ParseInfoTree places;
    pb::AuthRules field;
    if (!ParseTextField(tokens, Explain, &errors_, &places, &field)) return;
    for (int i = 0; i < field.users_size(); ++i) {
      users_.push_back(PlacesOf(tokens, places, "users", i));
      AddUser(field.users(i), users_.back());
    }
    for (int i = 0; i < field.certificates_size(); ++i) {
      certificates_.push_back(PlacesOf(tokens, places, "certificates", i));
      config_.certificates.push_back(
          {field.certificates(i).match(), field.certificates(i).user()});
    }
    for (int i = 0; i < field.rules_size(); ++i) {
      rules_.push_back(PlacesOf(tokens, places, "rules", i));
      AddRule(field.rules(i), rules_.back());
    }
    if (field.has_client_id_pattern()) {
      SetPattern(tokens, "client_id_pattern", field.client_id_pattern(),
                 &config_.client_id_pattern);
    }
    if (field.has_group_pattern()) {
      SetPattern(tokens, "group_pattern", field.group_pattern(),
                 &config_.group_pattern);
    }
  }

  static EntryPlaces PlacesOf(const TextTokens& tokens,
                              const TextFormat::ParseInfoTree& all,
                              const std::string& list, int index) {
    EntryPlaces places;
    places.entry = PlaceOf(tokens, 0);
    const FieldDescriptor& field =
        *pb::AuthRules::descriptor()->FindFieldByName(list);
    const TextFormat::ParseInfoTree* const tree =
        all.GetTreeForNested(&field, index);
    if (tree == nullptr) return places;
    const google::protobuf::Descriptor& type = *field.message_type();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* const part = type.field(i);
      const int token =
          tree->GetLocation(part, part->is_repeated() ? 0 : -1).line;
      if (token >= 0) places.fields[part->name()] = PlaceOf(tokens, token);
    }
    return places;
  }

  // The text format takes any number for a name of an enum.
  void RefuseNumber(const EntryPlaces& places, const FieldDescriptor& field,
                    int number) {
    errors_.Add(places.Of(field.name()),
                absl::StrCat(field.name(), " must be ",
                             ValuesOf(*field.enum_type()), ", got ", number));
  }

  void AddUser(const pb::AuthUser& user, const EntryPlaces& places) {
    const auto* const type = pb::AuthUser::descriptor();
    if (!pb::AuthUser::Type_IsValid(user.type())) {
      RefuseNumber(places, *type->FindFieldByName("type"), user.type());
    }
    if (!pb::AuthUser::Status_IsValid(user.status())) {
      RefuseNumber(places, *type->FindFieldByName("status"), user.status());
    }
    AuthUser added;
    added.name = user.name();
    if (user.has_secret()) added.secret = user.secret();
    added.is_super = user.type() == pb::AuthUser::SUPER;
    added.is_enabled = user.status() == pb::AuthUser::ENABLE;
    config_.users.push_back(std::move(added));
  }

  void AddRule(const pb::AuthRule& rule, const EntryPlaces& places) {
    const auto* const type = pb::AuthRule::descriptor();
    AuthRule added;
    added.user = rule.user();
    added.resource = rule.resource();
    for (const int number : rule.action()) {
      const AuthActions actions = ToAction(number);
      if (actions.empty()) {
        RefuseNumber(places, *type->FindFieldByName("action"), number);
      }
      for (const AuthAction action : kAllAuthActions) {
        if (actions.Intersects({action})) added.actions.Add(action);
      }
    }
    added.sources.assign(rule.source().begin(), rule.source().end());
    added.allows = rule.decision() == pb::AuthRule::ALLOW;
    if (!added.allows && rule.decision() != pb::AuthRule::DENY) {
      errors_.Add(
          places.Of("decision"),
          absl::StrCat(
              "decision must be ALLOW or DENY, got ",
              rule.has_decision() ? absl::StrCat(rule.decision()) : "none"));
    }
    config_.rules.push_back(std::move(added));
  }

  void SetPattern(const TextTokens& tokens, const std::string& field,
                  const std::string& value, std::string* pattern) {
    const TextPlace place = PlaceOf(tokens, 0);
    const auto [first, is_new] = patterns_.try_emplace(field, place);
    if (!is_new) {
      errors_.Add(place,
                  absl::StrCat(field, " stands there twice, first in line ",
                               first->second.line + 1));
    } else if (value.empty()) {
      errors_.Add(place, absl::StrCat(field, " must have ${user}, got \"\""));
    }
    *pattern = value;
  }

  const std::vector<EntryPlaces>* PlacesIn(List list) const {
    switch (list) {
      case List::kUsers: return &users_;
      case List::kCertificates: return &certificates_;
      case List::kRules: return &rules_;
      case List::kNone: break;
    }
    return nullptr;
  }

  void Tell(const AuthConfigError& error) {
    const std::vector<EntryPlaces>* const places = PlacesIn(error.list);
    if (places == nullptr) {
      errors_.Add(patterns_.at(error.field), error.message);
      return;
    }
    std::string message = error.message;
    if (error.first.has_value()) {
      absl::StrAppend(&message, ", first in line ",
                      (*places)[*error.first].entry.line + 1);
    }
    errors_.Add((*places)[error.index].Of(error.field), message);
  }

  TextErrors errors_;
  AuthConfig config_;
  // Of the entries of `config_`, by their index.
  std::vector<EntryPlaces> users_;
  std::vector<EntryPlaces> certificates_;
  std::vector<EntryPlaces> rules_;
  absl::flat_hash_map<std::string, TextPlace> patterns_;
};

}  // namespace

absl::StatusOr<AuthText> ParseAuthText(absl::string_view name,
                                       const std::string& text) {
  return AuthReader(name).Read(text);
}

absl::StatusOr<AuthText> ReadAuthFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadTextFile(
      "auth file", path, kMaxAuthFileBytes, TextFileMode::kOwnersOnly);
  if (!text.ok()) return text.status();
  absl::StatusOr<AuthText> parsed = ParseAuthText(path, *text);
  if (parsed.ok() && parsed->config.users.empty()) {
    // As of a file that is being written.
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":1:1: users must have at least one entry, got none"));
  }
  return parsed;
}

}  // namespace rmq
