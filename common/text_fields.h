// Files in protobuf's text format, read field by field, so that errors tell the
// line and the column, and more than the first of them is told.
#ifndef COMMON_TEXT_FIELDS_H_
#define COMMON_TEXT_FIELDS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"

namespace rmq {

// A place in a file. Counted from 0; people count from 1.
struct TextPlace {
  int line = 0;
  int column = 0;
};

// Errors that are listed of one file; the others are counted.
inline constexpr size_t kMaxTextErrors = 20;

// The errors of one file.
class TextErrors {
 public:
  // `file` is the file's name, and outlives the object.
  explicit TextErrors(absl::string_view file) : file_(file) {}

  void Add(TextPlace place, absl::string_view message);

  size_t count() const { return count_; }

  // OK if there is none; else InvalidArgument, each on a line as
  // "NAME:LINE:COLUMN: message".
  absl::Status status() const;

 private:
  const absl::string_view file_;
  std::string text_;
  size_t count_ = 0;
};

// A field of the outermost message with its value, as it stands in the file;
// and behind it the token that follows, so that there is a place for what is
// missing.
using TextTokens = std::vector<google::protobuf::io::Tokenizer::Token>;

// The place of the token of that number, the first one's if there is none.
TextPlace PlaceOf(const TextTokens& tokens, int number);

// Calls `on_field` for each field of the outermost message whose tokens are in
// order, in the order of the file. Adds an error for each that is not, and one
// alone for what is no text.
void ReadTextFields(
    const std::string& text, TextErrors* errors,
    const std::function<void(const TextTokens& field)>& on_field);

// What to say of the token of that number, of which protobuf says `message`.
using ExplainTextError = std::function<std::string(
    const TextTokens& field, size_t number, const std::string& message)>;

// Parses one field into `message`, which is empty. False with an error added,
// the first one, if it does not parse. A place that `places` tells has as its
// line the number of a token, for PlaceOf().
bool ParseTextField(const TextTokens& field, const ExplainTextError& explain,
                    TextErrors* errors,
                    google::protobuf::TextFormat::ParseInfoTree* places,
                    google::protobuf::Message* message);

enum class TextFileMode {
  // Also a pipe, which is waited for.
  kAny,
  // A file, and no pipe or device.
  kRegular,
  // A file that only its owner may read or write.
  kOwnersOnly,
};

// What is in the file at `path`, of which messages speak as `what`, as "config
// file". If it cannot be read whole, the error of the operating system
// (NotFound if there is none), with the path. InvalidArgument if it has more
// than `max_bytes`, is of a kind that is not allowed, or has such a mode.
absl::StatusOr<std::string> ReadTextFile(absl::string_view what,
                                         const std::string& path,
                                         size_t max_bytes, TextFileMode mode);

}  // namespace rmq

#endif  // COMMON_TEXT_FIELDS_H_
