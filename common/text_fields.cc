#include "common/text_fields.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace rmq {
namespace {

using google::protobuf::TextFormat;
using google::protobuf::io::Tokenizer;

// What is no token.
class TokenErrors final : public google::protobuf::io::ErrorCollector {
 public:
  explicit TokenErrors(TextErrors* errors) : errors_(*errors) {}
  void AddError(int line, int column, const std::string& message) override {
    const bool is_cut = message == "Unexpected end of string." ||
                        message ==
                            "String literals cannot cross line "
                            "boundaries.";
    errors_.Add({line, column},
                is_cut ? "a text in quotes must end with its quote in the same "
                         "line, and does not"
                       : message);
  }

 private:
  TextErrors& errors_;
};

// TextFormat's parser stops at the first error, and often tells the place of
// the token behind it. So each field is parsed for itself, and is given to the
// parser with a token a line: a line it tells is the number of a token.
std::string TokenALine(const TextTokens& tokens) {
  std::string text;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    absl::StrAppend(&text, tokens[i].text, "\n");
  }
  return text;
}

// The first error of a field: others follow from it.
class FieldErrors final : public google::protobuf::io::ErrorCollector {
 public:
  FieldErrors(const TextTokens* tokens, const ExplainTextError* explain,
              TextErrors* errors)
      : tokens_(*tokens), explain_(*explain), errors_(*errors) {}

  void AddError(int line, int /*column*/, const std::string& message) override {
    if (std::exchange(told_, true)) return;
    size_t number =
        std::min(static_cast<size_t>(std::max(line, 0)), tokens_.size() - 1);
    // A token that the message names has been read already.
    if (number > 0 &&
        absl::StrContains(message,
                          absl::StrCat("\"", tokens_[number - 1].text, "\""))) {
      --number;
    }
    std::string said = explain_(tokens_, number, message);
    if (tokens_[number].type == Tokenizer::TYPE_END && said == message) {
      said = absl::StrCat("the file ends in the middle of a field: ", message,
                          absl::EndsWith(message, "got: ") ? "its end" : "");
    }
    // Some messages have the token, which may be as long as the file.
    constexpr size_t kMaxBytes = 400;
    if (said.size() > kMaxBytes) said = said.substr(0, kMaxBytes) + "...";
    errors_.Add(PlaceOf(tokens_, static_cast<int>(number)), said);
  }

 private:
  const TextTokens& tokens_;
  const ExplainTextError& explain_;
  TextErrors& errors_;
  bool told_ = false;
};

// One error instead of many: of a file that was named by mistake, say.
bool IsText(const std::string& text, TextErrors* errors) {
  TextPlace place;
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) {
    errors->Add(place,
                "the file begins with a byte order mark (0xef 0xbb 0xbf): it "
                "must be UTF-8 without one");
    return false;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0x7f || (byte < 0x20 && (byte < '\t' || byte > '\r'))) {
      errors->Add(place,
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
bool BeginsValue(const TextTokens& tokens) {
  const size_t size = tokens.size();
  if (size < 3) return false;
  const std::string& last = tokens.back().text;
  return (last == ":" || last == "{" || last == "<") &&
         tokens[size - 2].type == Tokenizer::TYPE_IDENTIFIER &&
         tokens[size - 3].text != ":";
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void TextErrors::Add(TextPlace place, absl::string_view message) {
  if (++count_ > kMaxTextErrors) return;
  absl::StrAppend(&text_, text_.empty() ? "" : "\n", file_, ":", place.line + 1,
                  ":", place.column + 1, ": ", message);
}

absl::Status TextErrors::status() const {
  if (count_ == 0) return absl::OkStatus();
  if (count_ <= kMaxTextErrors) return absl::InvalidArgumentError(text_);
  return absl::InvalidArgumentError(absl::StrCat(
      text_, "\n", file_, ": and ", count_ - kMaxTextErrors, " errors more"));
}

TextPlace PlaceOf(const TextTokens& tokens, int number) {
  const Tokenizer::Token& token = tokens[std::min(
      static_cast<size_t>(std::max(number, 0)), tokens.size() - 1)];
  return {token.line, token.column};
}

void ReadTextFields(
    const std::string& text, TextErrors* errors,
    const std::function<void(const TextTokens& field)>& on_field) {
  if (!IsText(text, errors)) return;
  google::protobuf::io::ArrayInputStream input(text.data(),
                                               static_cast<int>(text.size()));
  TokenErrors token_errors(errors);
  Tokenizer tokenizer(&input, &token_errors);
  // As TextFormat has it.
  tokenizer.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
  tokenizer.set_require_space_after_number(false);
  tokenizer.set_allow_f_after_float(true);
  size_t errors_before = errors->count();
  const auto end_field = [&](const TextTokens& field) {
    const bool has_bad_token = errors->count() > errors_before;
    if (field.size() > 1 && !has_bad_token) on_field(field);
    errors_before = errors->count();
  };
  TextTokens tokens;
  int depth = 0;
  while (tokenizer.Next()) {
    tokens.push_back(tokenizer.current());
    const std::string token = tokens.back().text;
    if (depth == 0 && BeginsValue(tokens)) {
      // The name before it is the next field's.
      const TextTokens next(tokens.end() - 2, tokens.end());
      tokens.pop_back();
      end_field(tokens);
      tokens = next;
    }
    if (token == "{" || token == "<" || token == "[") ++depth;
    if (token == "}" || token == ">" || token == "]") {
      depth = std::max(depth - 1, 0);
    }
  }
  tokens.push_back(tokenizer.current());  // The end.
  end_field(tokens);
}

bool ParseTextField(const TextTokens& field, const ExplainTextError& explain,
                    TextErrors* errors, TextFormat::ParseInfoTree* places,
                    google::protobuf::Message* message) {
  FieldErrors field_errors(&field, &explain, errors);
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&field_errors);
  parser.WriteLocationsTo(places);
  return parser.ParseFromString(TokenALine(field), message);
}

// Uses stdio because std::ifstream opens a directory, and throws when a read
// fails.
absl::StatusOr<std::string> ReadTextFile(absl::string_view what,
                                         const std::string& path,
                                         size_t max_bytes, TextFileMode mode) {
  const auto error = [&] {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("cannot read ", what, " ", path));
  };
  // Where a pipe is not allowed, opening one must not wait for a writer.
  const int flags = mode == TextFileMode::kAny ? 0 : O_NONBLOCK;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (fd < 0) return error();
  const std::unique_ptr<std::FILE, FileCloser> file(fdopen(fd, "rb"));
  if (file == nullptr) {
    close(fd);
    return error();
  }
  if (mode != TextFileMode::kAny) {
    // Of the file that is open, which the path may no longer name.
    struct stat facts;
    if (fstat(fileno(file.get()), &facts) != 0) return error();
    if (!S_ISREG(facts.st_mode)) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " ", path, " must be a file, and is none"));
    }
    const auto bits = static_cast<unsigned>(facts.st_mode & 07777);
    if (mode == TextFileMode::kOwnersOnly && (bits & 077) != 0) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "%s %s must have the mode 0600, so that its owner alone can read it, "
          "got %04o: chmod 600 %s",
          what, path, bits, path));
    }
  }
  std::string text;
  char piece[64 << 10];
  while (const size_t size = std::fread(piece, 1, sizeof(piece), file.get())) {
    text.append(piece, size);
    if (text.size() > max_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          what, " ", path, " must be at most ", max_bytes, " bytes"));
    }
  }
  if (std::ferror(file.get()) != 0) return error();
  return text;
}

}  // namespace rmq
