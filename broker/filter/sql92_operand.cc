#include "broker/filter/sql92_operand.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

using Type = Sql92TokenType;

constexpr size_t kMaxExcerptBytes = 40;

double AsDouble(const absl::variant<int64_t, double>& number) {
  if (const int64_t* integer = absl::get_if<int64_t>(&number)) {
    return static_cast<double>(*integer);
  }
  return absl::get<double>(number);
}

}  // namespace

bool IsGreater(const Sql92Operand& left, const Sql92Operand& right) {
  const int64_t* left_integer = absl::get_if<int64_t>(&left.number);
  const int64_t* right_integer = absl::get_if<int64_t>(&right.number);
  if (left_integer != nullptr && right_integer != nullptr) {
    return *left_integer > *right_integer;
  }
  return AsDouble(left.number) > AsDouble(right.number);
}

std::string Sql92Excerpt(absl::string_view text) {
  std::string excerpt = "\"";
  for (const char c : text.substr(0, kMaxExcerptBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"') {
      absl::StrAppend(&excerpt, "\\\"");
    } else if (absl::ascii_isprint(byte)) {
      excerpt.push_back(c);
    } else {
      absl::StrAppend(&excerpt, "\\x", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  absl::StrAppend(&excerpt, text.size() > kMaxExcerptBytes ? "...\"" : "\"");
  return excerpt;
}

std::string Describe(const Sql92Token& token) {
  if (token.type == Type::kEnd) return "the end";
  return absl::StrCat(IsKeyword(token.type) ? "the keyword " : "",
                      Sql92Excerpt(token.text));
}

std::string Describe(const Sql92Operand& operand) {
  absl::string_view kind;
  switch (operand.kind) {
    case Sql92OperandKind::kProperty: kind = "the property "; break;
    case Sql92OperandKind::kString: kind = "the string "; break;
    case Sql92OperandKind::kNumber: kind = "the number "; break;
    case Sql92OperandKind::kBoolean:
    case Sql92OperandKind::kNull: kind = "the constant "; break;
    case Sql92OperandKind::kCondition: kind = "the condition "; break;
    case Sql92OperandKind::kNegation: kind = "the negation "; break;
  }
  return absl::StrCat(kind, Sql92Excerpt(operand.text));
}

std::string DescribeFault(const Sql92Token& token) {
  if (token.type == Type::kUnclosedString) {
    return absl::StrCat("expected a closing \"'\" of the string ",
                        Sql92Excerpt(token.text), ", got the end");
  }
  if (token.type == Type::kUnclosedComment) {
    return absl::StrCat("expected a closing \"*/\" of the comment ",
                        Sql92Excerpt(token.text), ", got the end");
  }
  absl::string_view hint;
  if (token.text == "!") {
    hint = "; \"not equal\" is \"<>\"";
  } else if (token.text == "\"") {
    hint = "; a string is in single quotes";
  } else if (!absl::ascii_isascii(
                 static_cast<unsigned char>(token.text.front()))) {
    hint = "; names are ASCII letters, digits, \"_\" and \"$\"";
  }
  return absl::StrCat("expected a name, a constant or an operator, got ",
                      Sql92Excerpt(token.text), hint);
}

}  // namespace rmq
