#include "tools/cmctl/json_yaml.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rmq::cmctl {
namespace {

// Words that YAML 1.1 takes for something else than text.
constexpr absl::string_view kReserved[] = {"true", "false", "yes", "no", "on",
                                           "off",  "null",  "y",   "n"};

// `quoted` is a JSON string with its quotes.
std::string Scalar(absl::string_view quoted) {
  const absl::string_view text = quoted.substr(1, quoted.size() - 2);
  const bool is_plain =
      !text.empty() && absl::ascii_isalpha(text[0]) &&
      std::all_of(text.begin(), text.end(),
                  [](char c) {
                    return absl::ascii_isalnum(c) || c == '_' || c == '-' ||
                           c == '.' || c == '/';
                  }) &&
      std::find(std::begin(kReserved), std::end(kReserved),
                absl::AsciiStrToLower(text)) == std::end(kReserved);
  return std::string(is_plain ? text : quoted);
}

// Writes what it reads. Nesting is as deep as that of our messages.
class Writer {
 public:
  explicit Writer(absl::string_view json) : json_(json) {}

  std::string Write() {
    SkipSpace();
    WriteValue(/*indent=*/0, /*in_line=*/true);
    return std::move(yaml_);
  }

 private:
  void SkipSpace() { json_ = absl::StripLeadingAsciiWhitespace(json_); }
  char Next() const { return json_.empty() ? '\0' : json_[0]; }
  // Takes the character, if it is the next one, and the space behind it.
  bool Take(char c) {
    if (Next() != c) return false;
    json_.remove_prefix(1);
    SkipSpace();
    return true;
  }
  absl::string_view TakeString() {
    size_t end = 1;
    while (end < json_.size() && json_[end] != '"') {
      end += json_[end] == '\\' ? 2 : 1;
    }
    const absl::string_view quoted = json_.substr(0, end + 1);
    json_.remove_prefix(std::min(end + 1, json_.size()));
    SkipSpace();
    return quoted;
  }

  // Where the value of a member or an element stands: behind "key:" or "-".
  // `in_line`: an object or an array may begin on this line.
  void WriteValue(int indent, bool in_line) {
    if (Next() == '{' || Next() == '[') {
      const char close = Next() == '{' ? '}' : ']';
      Take(Next());
      WriteNested(close, indent, in_line);
    } else if (Next() == '"') {
      absl::StrAppend(&yaml_, " ", Scalar(TakeString()), "\n");
    } else {
      size_t end = 0;
      while (end < json_.size() && json_[end] != ',' && json_[end] != '}' &&
             json_[end] != ']' && !absl::ascii_isspace(json_[end])) {
        ++end;
      }
      absl::StrAppend(&yaml_, " ", json_.substr(0, end), "\n");
      json_.remove_prefix(end);
      SkipSpace();
    }
  }

  void WriteNested(char close, int indent, bool in_line) {
    const bool is_object = close == '}';
    if (Take(close)) {
      absl::StrAppend(&yaml_, in_line && yaml_.empty() ? "" : " ",
                      is_object ? "{}" : "[]", "\n");
      return;
    }
    bool is_first = true;
    if (!in_line) yaml_ += "\n";
    do {
      // The first member stands behind its element's dash.
      if (in_line && is_first && !yaml_.empty()) {
        yaml_ += ' ';
      } else {
        yaml_.append(indent, ' ');
      }
      is_first = false;
      if (is_object) {
        absl::StrAppend(&yaml_, Scalar(TakeString()), ":");
        Take(':');
        WriteValue(indent + 2, /*in_line=*/false);
      } else {
        yaml_ += '-';
        WriteValue(indent + 2, /*in_line=*/true);
      }
    } while (Take(','));
    Take(close);
  }

  absl::string_view json_;
  std::string yaml_;
};

}  // namespace

std::string YamlOfJson(absl::string_view json) { return Writer(json).Write(); }

}  // namespace rmq::cmctl
