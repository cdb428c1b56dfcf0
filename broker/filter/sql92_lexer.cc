#include "broker/filter/sql92_lexer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace rmq {
namespace {

using Type = Sql92TokenType;

constexpr absl::string_view kWhiteSpace = " \t\n\r\f";
constexpr absl::string_view kLineEnds = "\n\r";

struct FixedToken {
  absl::string_view text;
  Type type;
};

constexpr FixedToken kKeywords[] = {
    {"AND", Type::kAnd},
    {"BETWEEN", Type::kBetween},
    {"CONTAINS", Type::kContains},
    {"ENDSWITH", Type::kEndsWith},
    {"FALSE", Type::kFalse},
    {"IN", Type::kIn},
    {"IS", Type::kIs},
    {"NOT", Type::kNot},
    {"NULL", Type::kNull},
    {"OR", Type::kOr},
    {"STARTSWITH", Type::kStartsWith},
    {"TRUE", Type::kTrue},
};

// Longer ones before their beginnings.
constexpr FixedToken kSigns[] = {
    {"<>", Type::kNotEqual},
    {"<=", Type::kLessOrEqual},
    {">=", Type::kGreaterOrEqual},
    {"<", Type::kLess},
    {">", Type::kGreater},
    {"=", Type::kEqual},
    {"+", Type::kPlus},
    {"-", Type::kMinus},
    {"(", Type::kOpen},
    {")", Type::kClose},
    {",", Type::kComma},
};

// Not of <cctype>, whose answers depend on the locale.
bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

bool IsAscii(char c) {
  return absl::ascii_isascii(static_cast<unsigned char>(c));
}

bool BeginsName(char c) {
  return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_' ||
         c == '$';
}

bool ContinuesName(char c) { return BeginsName(c) || IsDigit(c); }

Type TypeOfName(absl::string_view name) {
  for (const FixedToken& keyword : kKeywords) {
    if (absl::EqualsIgnoreCase(name, keyword.text)) return keyword.type;
  }
  return Type::kName;
}

}  // namespace

Sql92Lexer::Sql92Lexer(absl::string_view expression)
    : expression_(expression),
      last_line_end_(expression.find_last_of(kLineEnds)) {}

Sql92Token Sql92Lexer::Next() {
  const bool found = SkipToToken();
  const size_t begin = position_;
  // A token moves on; anything else is found again by the next call.
  const auto token = [&](Type type, size_t length) {
    position_ = begin + length;
    return Sql92Token{type, begin, expression_.substr(begin, length)};
  };
  const auto no_token = [&](Type type, size_t length) {
    return Sql92Token{type, begin, expression_.substr(begin, length)};
  };

  if (!found) return no_token(Type::kUnclosedComment, absl::string_view::npos);
  if (begin == expression_.size()) return no_token(Type::kEnd, 0);
  if (const size_t length = NameLength()) {
    return token(TypeOfName(expression_.substr(begin, length)), length);
  }
  const size_t integer_length = IntegerLength();
  const size_t float_length = FloatLength();
  if (float_length > integer_length) return token(Type::kFloat, float_length);
  if (integer_length > 0) return token(Type::kInteger, integer_length);
  if (At(begin) == '\'') {
    const size_t length = StringLength();
    return length > 0
               ? token(Type::kString, length)
               : no_token(Type::kUnclosedString, absl::string_view::npos);
  }
  for (const FixedToken& sign : kSigns) {
    if (absl::StartsWith(expression_.substr(begin), sign.text)) {
      return token(sign.type, sign.text.size());
    }
  }
  return no_token(Type::kStray, StrayLength());
}

bool Sql92Lexer::SkipToToken() {
  for (;;) {
    position_ = std::min(expression_.find_first_not_of(kWhiteSpace, position_),
                         expression_.size());
    const absl::string_view rest = expression_.substr(position_);
    if (absl::StartsWith(rest, "/*")) {
      const size_t end = expression_.find("*/", position_ + 2);
      if (end == absl::string_view::npos) return false;
      position_ = end + 2;
    } else if (absl::StartsWith(rest, "--") &&
               last_line_end_ != absl::string_view::npos &&
               last_line_end_ > position_) {
      position_ = expression_.find_first_of(kLineEnds, position_) + 1;
    } else {
      return true;
    }
  }
}

size_t Sql92Lexer::NameLength() const {
  size_t end = position_;
  if (!BeginsName(At(end))) return 0;
  while (ContinuesName(At(end))) ++end;
  return end - position_;
}

size_t Sql92Lexer::IntegerLength() const {
  if (At(position_) == '0') return 1;
  size_t end = AfterDigits(position_);
  if (end == position_) return 0;
  if (At(end) == 'l' || At(end) == 'L') ++end;
  return end - position_;
}

size_t Sql92Lexer::FloatLength() const {
  const size_t point = AfterDigits(position_);
  size_t end = point;
  if (At(point) == '.') {
    end = AfterDigits(point + 1);
    // There must be a digit on one side.
    if (end == position_ + 1) return 0;
    end = AfterExponent(end);
  } else if (point > position_) {
    end = AfterExponent(point);
    if (end == point) return 0;
  }
  return end - position_;
}

size_t Sql92Lexer::StringLength() const {
  size_t length = 0;
  size_t quote = position_;
  for (;;) {
    quote = expression_.find('\'', quote + 1);
    if (quote == absl::string_view::npos) return length;
    length = quote + 1 - position_;
    // The string ends here, unless a doubled quote leads to a later end.
    if (At(quote + 1) != '\'') return length;
    ++quote;
  }
}

size_t Sql92Lexer::StrayLength() const {
  size_t end = position_ + 1;
  if (IsAscii(At(position_))) return 1;
  while (!IsAscii(At(end))) ++end;
  return end - position_;
}

size_t Sql92Lexer::AfterDigits(size_t position) const {
  while (IsDigit(At(position))) ++position;
  return position;
}

size_t Sql92Lexer::AfterExponent(size_t position) const {
  if (At(position) != 'e' && At(position) != 'E') return position;
  const bool has_sign = At(position + 1) == '+' || At(position + 1) == '-';
  const size_t digits = position + (has_sign ? 2 : 1);
  const size_t end = AfterDigits(digits);
  return end > digits ? end : position;
}

char Sql92Lexer::At(size_t position) const {
  return position < expression_.size() ? expression_[position] : '\0';
}

}  // namespace rmq
