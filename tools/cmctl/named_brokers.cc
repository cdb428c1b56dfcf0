#include "tools/cmctl/named_brokers.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/security/client_security.h"
#include "common/text_fields.h"
#include "common/validation.h"
#include "google/protobuf/text_format.h"

namespace rmq::cmctl {
namespace {

using google::protobuf::TextFormat;

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxNameBytes = 64;

// Of a name that is no field: the fields there are.
std::string Explain(const TextTokens& tokens, size_t number,
                    const std::string& message) {
  for (const auto* const type :
       {NamedBrokers::descriptor(), NamedBroker::descriptor()}) {
    if (!absl::StrContains(message, "has no field named") ||
        !absl::StrContains(message,
                           absl::StrCat("\"", type->full_name(), "\""))) {
      continue;
    }
    std::vector<std::string> names;
    for (int i = 0; i < type->field_count(); ++i) {
      names.push_back(type->field(i)->name());
    }
    return absl::StrCat("there is no field ", Quoted(tokens[number].text),
                        ": there are ", absl::StrJoin(names, ", "));
  }
  return message;
}

// What is wrong with the entry; "" for nothing.
std::string ErrorIn(const NamedBroker& broker) {
  if (!IsBrokerName(broker.name())) {
    return absl::StrCat("name must be 1 to ", kMaxNameBytes,
                        " letters, digits and . _ -, got ",
                        Quoted(broker.name()));
  }
  if (!IsBrokerAddress(broker.address())) {
    return absl::StrCat("address must be HOST:PORT or unix:PATH, got ",
                        Quoted(broker.address()));
  }
  if (broker.tls_cert().empty() != broker.tls_key().empty()) {
    return "tls_cert and tls_key must be given together, got one of them";
  }
  return "";
}

void MakeBeside(const std::string& folder, std::string* path) {
  if (!path->empty() && path->front() != '/') *path = folder + *path;
}

struct Parsed {
  NamedBrokers brokers;
  // Where the value of `use` begins and ends, if there is one.
  TextPlace use_begin;
  TextPlace use_end;
};

absl::StatusOr<Parsed> Parse(const std::string& path, const std::string& text) {
  TextErrors errors(path);
  Parsed parsed;
  TextPlace use;
  absl::flat_hash_set<std::string> names;
  ReadTextFields(text, &errors, [&](const TextTokens& field) {
    TextFormat::ParseInfoTree places;
    NamedBrokers one;
    if (!ParseTextField(field, Explain, &errors, &places, &one)) return;
    const TextPlace place = PlaceOf(field, 0);
    if (one.has_use()) {
      if (parsed.brokers.has_use()) errors.Add(place, "use stands there twice");
      use = place;
      // `use`, a colon, the texts of the value, the token behind it.
      const auto& last = field[field.size() - 2];
      parsed.use_begin = PlaceOf(field, 2);
      parsed.use_end = {last.line, last.end_column};
    }
    for (const NamedBroker& broker : one.brokers()) {
      const std::string error = ErrorIn(broker);
      if (!error.empty()) errors.Add(place, error);
      if (!names.insert(broker.name()).second) {
        errors.Add(place, absl::StrCat("name stands there twice: ",
                                       Quoted(broker.name())));
      }
    }
    parsed.brokers.MergeFrom(one);
  });
  if (errors.count() == 0 && parsed.brokers.has_use() &&
      FindBroker(parsed.brokers, parsed.brokers.use()) == nullptr) {
    errors.Add(use, absl::StrCat("use must name one of the brokers, got ",
                                 Quoted(parsed.brokers.use())));
  }
  const absl::Status status = errors.status();
  if (!status.ok()) return status;
  return parsed;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  return ReadTextFile("file of brokers", path, kMaxFileBytes,
                      TextFileMode::kAny);
}

size_t OffsetOf(const std::string& text, const TextPlace& place) {
  size_t offset = 0;
  for (int line = 0; line < place.line; ++line) {
    offset = text.find('\n', offset) + 1;
  }
  return offset + static_cast<size_t>(place.column);
}

// Replaces the file in one step, and keeps its mode.
absl::Status ReplaceFile(const std::string& path, const std::string& text) {
  const auto error = [&] {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  };
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) return error();
  const std::string next = absl::StrCat(path, ".", getpid());
  std::ofstream file(next);
  file << text << std::flush;
  if (!file || chmod(next.c_str(), facts.st_mode & 07777) != 0 ||
      std::rename(next.c_str(), path.c_str()) != 0) {
    const absl::Status status = error();
    std::remove(next.c_str());
    return status;
  }
  return absl::OkStatus();
}

}  // namespace

bool IsBrokerName(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  c == '.' || c == '_' || c == '-';
         });
}

bool IsBrokerAddress(absl::string_view text) {
  if (absl::StartsWith(text, "unix:")) return text.size() > 5;
  const size_t colon = text.rfind(':');
  int port = 0;
  return colon != 0 && colon != absl::string_view::npos &&
         absl::SimpleAtoi(text.substr(colon + 1), &port) && port >= 1 &&
         port <= 65535;
}

bool IsBrokerNameAndId(absl::string_view text) {
  const size_t colon = text.rfind(':');
  uint64_t id = 0;
  return colon != absl::string_view::npos &&
         IsBrokerName(text.substr(0, colon)) &&
         absl::SimpleAtoi(text.substr(colon + 1), &id);
}

absl::StatusOr<NamedBrokers> ReadNamedBrokers(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<Parsed> parsed = Parse(path, *text);
  if (!parsed.ok()) return parsed.status();
  const size_t slash = path.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "" : path.substr(0, slash + 1);
  for (NamedBroker& broker : *parsed->brokers.mutable_brokers()) {
    if (broker.tls_ca() != kSystemAuthorities) {
      MakeBeside(folder, broker.mutable_tls_ca());
    }
    MakeBeside(folder, broker.mutable_tls_cert());
    MakeBeside(folder, broker.mutable_tls_key());
    MakeBeside(folder, broker.mutable_credentials_file());
  }
  return std::move(parsed->brokers);
}

const NamedBroker* FindBroker(const NamedBrokers& brokers,
                              absl::string_view name) {
  for (const NamedBroker& broker : brokers.brokers()) {
    if (broker.name() == name) return &broker;
  }
  return nullptr;
}

absl::Status UseBroker(const std::string& path, const std::string& name) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  const absl::StatusOr<Parsed> parsed = Parse(path, *text);
  if (!parsed.ok()) return parsed.status();
  if (FindBroker(parsed->brokers, name) == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no broker ", Quoted(name), " in ", path));
  }
  const std::string value = absl::StrCat("\"", name, "\"");
  if (parsed->brokers.has_use()) {
    const size_t begin = OffsetOf(*text, parsed->use_begin);
    text->replace(begin, OffsetOf(*text, parsed->use_end) - begin, value);
  } else {
    text->insert(0, absl::StrCat("use: ", value, "\n"));
  }
  return ReplaceFile(path, *text);
}

}  // namespace rmq::cmctl
