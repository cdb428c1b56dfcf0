// Cuts an SQL92 subscription expression into tokens. Internal to this package:
// sql92.h says what may be built from them.
//
// At each place the longest token is taken, without a look at what follows:
// `007` is three numbers, `1e` a number and a name, and `'a''b` (whose second
// quote nothing closes) the string `'a'` and an unclosed one.
//
//   name     [A-Za-z_$][A-Za-z0-9_$]*, unless it is a keyword, in any case
//   integer  0 | [1-9][0-9]*[lL]?
//   float    [0-9]+\.[0-9]*E? | \.[0-9]+E? | [0-9]+E, with E = [eE][+-]?[0-9]+
//   string   '([^']|'')*'
//   between  blank, tab, LF, CR, FF; /* up to the next */; -- up to and with a
//            line end (without one, -- is two minus signs)
//
// Any bytes may come in. Those beyond ASCII, and NUL, stand in strings and
// comments only; they need not be UTF-8. The time is linear in the length.
//
// Reference: filter/parser/SelectorParser.jj.
#ifndef BROKER_FILTER_SQL92_LEXER_H_
#define BROKER_FILTER_SQL92_LEXER_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace rmq {

enum class Sql92TokenType {
  kEnd,
  // Keywords.
  kAnd,
  kBetween,
  kContains,
  kEndsWith,
  kFalse,
  kIn,
  kIs,
  kNot,
  kNull,
  kOr,
  kStartsWith,
  kTrue,
  // With a text of their own.
  kName,
  kInteger,
  kFloat,
  kString,
  // Signs.
  kEqual,
  kNotEqual,
  kGreater,
  kGreaterOrEqual,
  kLess,
  kLessOrEqual,
  kPlus,
  kMinus,
  kOpen,
  kClose,
  kComma,
  // Not tokens.
  kUnclosedString,
  kUnclosedComment,
  kStray,  // A character that begins no token; a run of bytes beyond ASCII.
};

inline bool IsKeyword(Sql92TokenType type) {
  return type >= Sql92TokenType::kAnd && type <= Sql92TokenType::kTrue;
}

// False if the input could not be read as a token there.
inline bool IsToken(Sql92TokenType type) {
  return type < Sql92TokenType::kUnclosedString;
}

struct Sql92Token {
  Sql92TokenType type = Sql92TokenType::kEnd;
  // Byte offset in the expression, from 0.
  size_t position = 0;
  // In the expression. What is unclosed goes on to its end.
  absl::string_view text;
};

// Not thread-safe. Borrows the expression.
class Sql92Lexer {
 public:
  explicit Sql92Lexer(absl::string_view expression);

  // The next token; at the end, and at what is not a token, the same again.
  Sql92Token Next();

 private:
  // Moves over white space and comments; false before an unclosed comment.
  bool SkipToToken();
  // How long the token of that type at `position_` is; 0 if there is none.
  size_t NameLength() const;
  size_t IntegerLength() const;
  size_t FloatLength() const;
  size_t StringLength() const;
  size_t StrayLength() const;
  // The end of the digits from `position` on.
  size_t AfterDigits(size_t position) const;
  // The end of an exponent at `position`; `position` if none is there.
  size_t AfterExponent(size_t position) const;
  // The character at `position`; NUL, which is in no token, beyond the end.
  char At(size_t position) const;

  const absl::string_view expression_;
  // Of the last line end; npos if there is none. Saves each `--` a search.
  const size_t last_line_end_;
  size_t position_ = 0;
};

}  // namespace rmq

#endif  // BROKER_FILTER_SQL92_LEXER_H_
