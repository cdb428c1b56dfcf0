#include "broker/filter/sql92.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/variant.h"
#include "broker/filter/sql92_lexer.h"
#include "broker/filter/sql92_operand.h"

namespace rmq {
namespace {

using Type = Sql92TokenType;

using Kind = Sql92OperandKind;
using Operand = Sql92Operand;

// Recursive descent: a Parse method for each rule of the grammar in the header,
// which begins with the rule's first token at hand and ends with the token
// after the rule at hand. What it has read is then on top of `operands_`; a
// Make method replaces the operands of one operator there by what they make.
// Each returns false if that was refused; `error_` says why.
//
// Operands are not passed on the stack, and what makes messages is not inlined
// into what recurses: so a level of parentheses needs little stack. One token
// is always at hand, so the end of an expression has seen the one after it,
// which is what the reference, too, looks at.
class Parser {
 public:
  explicit Parser(absl::string_view expression)
      : expression_(expression), lexer_(expression), token_(lexer_.Next()) {}

  absl::optional<ExpressionError> Check() {
    if (ParseOr() && RequireToken() && RequireCondition(Pop())) {
      return absl::nullopt;
    }
    return std::move(error_);
  }

 private:
  bool ParseOr() {
    if (!ParseAnd()) return false;
    while (Take(Type::kOr)) {
      if (!ParseAnd() || !MakeLogic()) return false;
    }
    return true;
  }

  bool ParseAnd() {
    if (!ParseEquality()) return false;
    while (Take(Type::kAnd)) {
      if (!ParseEquality() || !MakeLogic()) return false;
    }
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool MakeLogic() {
    const Operand right = Pop();
    const Operand left = Pop();
    if (!RequireCondition(left) || !RequireCondition(right)) return false;
    return Push(Kind::kCondition, left.position);
  }

  bool ParseEquality() {
    if (!ParseComparison()) return false;
    for (;;) {
      if (Take(Type::kIs)) {
        if (!ParseNull()) return false;
      } else if (Take(Type::kEqual) || Take(Type::kNotEqual)) {
        if (!ParseComparison() || !MakeEquality()) return false;
      } else {
        return true;
      }
    }
  }

  ABSL_ATTRIBUTE_NOINLINE bool ParseNull() {
    const bool negated = Take(Type::kNot);
    if (!Take(Type::kNull)) {
      return FailAtToken(negated ? "NULL after IS NOT"
                                 : "NULL or NOT NULL after IS");
    }
    return Push(Kind::kCondition, Pop().position);
  }

  ABSL_ATTRIBUTE_NOINLINE bool MakeEquality() {
    const Operand right = Pop();
    const Operand left = Pop();
    for (const Operand* operand : {&left, &right}) {
      if (operand->kind == Kind::kNull) {
        return Fail(operand->position,
                    "expected IS NULL or IS NOT NULL to test for NULL, got"
                    " \"=\" or \"<>\"");
      }
    }
    if (left.kind == Kind::kBoolean &&
        (right.kind == Kind::kString || right.kind == Kind::kNumber)) {
      return Fail(
          right.position,
          absl::StrCat("expected TRUE, FALSE, a property or a condition"
                       " to compare with ",
                       Sql92Excerpt(left.text), ", got ", Describe(right)));
    }
    return Push(Kind::kCondition, left.position);
  }

  bool ParseComparison() {
    if (!ParseUnary()) return false;
    for (;;) {
      switch (token_.type) {
        case Type::kGreater:
        case Type::kGreaterOrEqual:
        case Type::kLess:
        case Type::kLessOrEqual:
          Advance();
          if (!ParseUnary() || !MakeOrdering()) return false;
          break;
        case Type::kNot:
        case Type::kBetween:
        case Type::kIn:
        case Type::kContains:
        case Type::kStartsWith:
        case Type::kEndsWith:
          if (!ParsePredicate()) return false;
          break;
        default: return true;
      }
    }
  }

  ABSL_ATTRIBUTE_NOINLINE bool MakeOrdering() {
    const Operand right = Pop();
    const Operand left = Pop();
    if (!RequireOrdered(left) || !RequireOrdered(right)) return false;
    return Push(Kind::kCondition, left.position);
  }

  bool ParsePredicate() {
    const bool negated = Take(Type::kNot);
    switch (token_.type) {
      case Type::kBetween: return ParseBetween(negated);
      case Type::kIn: return ParseIn();
      case Type::kContains:
      case Type::kStartsWith:
      case Type::kEndsWith: return ParseSearch();
      default:
        return FailAtToken(
            "BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH after NOT");
    }
  }

  bool ParseBetween(bool negated) {
    Advance();
    if (!ParseUnary()) return false;
    if (!Take(Type::kAnd)) {
      return FailAtToken("AND between the bounds of BETWEEN");
    }
    return ParseUnary() && MakeBetween(negated);
  }

  ABSL_ATTRIBUTE_NOINLINE bool MakeBetween(bool negated) {
    const Operand high = Pop();
    const Operand low = Pop();
    const Operand value = Pop();
    if (!RequireOrdered(value) || !RequireOrdered(low) ||
        !RequireOrdered(high)) {
      return false;
    }
    if (!negated && low.kind == Kind::kNumber && high.kind == Kind::kNumber &&
        IsGreater(low, high)) {
      return Fail(low.position,
                  absl::StrCat("expected a lower bound of at most ",
                               Sql92Excerpt(high.text), ", got ",
                               Sql92Excerpt(low.text)));
    }
    return Push(Kind::kCondition, value.position);
  }

  ABSL_ATTRIBUTE_NOINLINE bool ParseIn() {
    Advance();
    if (!Take(Type::kOpen)) return FailAtToken("\"(\" after IN");
    do {
      if (!Take(Type::kString)) {
        return FailAtToken("a string in the list of IN");
      }
    } while (Take(Type::kComma));
    if (!Take(Type::kClose)) {
      return FailAtToken("\",\" or \")\" in the list of IN");
    }
    const Operand left = Pop();
    if (left.kind != Kind::kProperty) {
      return Fail(left.position, absl::StrCat("expected a property before IN,"
                                              " got ",
                                              Describe(left)));
    }
    return Push(Kind::kCondition, left.position);
  }

  ABSL_ATTRIBUTE_NOINLINE bool ParseSearch() {
    const absl::string_view keyword = token_.text;
    Advance();
    if (!Take(Type::kString)) {
      return FailAtToken(absl::StrCat("a string after ", keyword));
    }
    return Push(Kind::kCondition, Pop().position);
  }

  // Signs and NOTs wait in `prefixes_`: any number of them needs no stack.
  bool ParseUnary() {
    const size_t outer = prefixes_.size();
    while (token_.type == Type::kPlus || token_.type == Type::kMinus ||
           token_.type == Type::kNot) {
      prefixes_.push_back(token_);
      Advance();
    }
    if (!ParsePrimary(/*prefixed=*/prefixes_.size() > outer)) return false;
    for (; prefixes_.size() > outer; prefixes_.pop_back()) {
      if (!MakeUnary(prefixes_.back())) return false;
    }
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool MakeUnary(const Sql92Token& prefix) {
    if (prefix.type == Type::kPlus) return Widen(prefix.position);
    const Operand operand = Pop();
    if (prefix.type == Type::kMinus) {
      return Push(Kind::kNegation, prefix.position);
    }
    if (!RequireCondition(operand)) return false;
    return Push(Kind::kCondition, prefix.position);
  }

  bool ParsePrimary(bool prefixed) {
    switch (token_.type) {
      case Type::kName: return PushToken(Kind::kProperty);
      case Type::kString: return PushToken(Kind::kString);
      case Type::kTrue:
      case Type::kFalse: return PushToken(Kind::kBoolean);
      case Type::kNull: return PushToken(Kind::kNull);
      case Type::kInteger: return ParseInteger();
      case Type::kFloat: return ParseFloat();
      case Type::kOpen: return ParseParentheses();
      default:
        return FailAtToken(prefixed ? "a property, a constant or \"(\""
                                    : "a property, a constant, NOT, \"+\","
                                      " \"-\" or \"(\"");
    }
  }

  ABSL_ATTRIBUTE_NOINLINE bool ParseInteger() {
    absl::string_view digits = token_.text;
    if (!absl::ConsumeSuffix(&digits, "l")) absl::ConsumeSuffix(&digits, "L");
    int64_t value = 0;
    if (!absl::SimpleAtoi(digits, &value)) {
      return FailAtToken(absl::StrCat("an integer of at most ",
                                      std::numeric_limits<int64_t>::max()));
    }
    PushToken(Kind::kNumber);
    operands_.back().number = value;
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool ParseFloat() {
    double value = 0;
    // Over- and underflow come as infinity and as zero.
    if (!absl::SimpleAtod(token_.text, &value) || std::isinf(value) ||
        value == 0) {
      return FailAtToken("a float from 4.9E-324 to 1.7976931348623157E308");
    }
    PushToken(Kind::kNumber);
    operands_.back().number = value;
    return true;
  }

  bool ParseParentheses() {
    const size_t position = token_.position;
    if (depth_ == kMaxSql92Depth) {
      return FailAtDepth();
    }
    ++depth_;
    Advance();
    if (!ParseOr()) return false;
    if (!Take(Type::kClose)) return FailAtToken("an operator or \")\"");
    --depth_;
    return Widen(position);
  }

  ABSL_ATTRIBUTE_NOINLINE bool FailAtDepth() {
    return FailAtToken(
        absl::StrCat("at most ", kMaxSql92Depth, " open parentheses"));
  }

  bool RequireToken() {
    return IsToken(token_.type) || FailAtToken("any token");
  }

  bool RequireCondition(const Operand& operand) {
    return operand.kind == Kind::kCondition ||
           operand.kind == Kind::kProperty || operand.kind == Kind::kBoolean ||
           operand.kind == Kind::kNull ||
           Fail(operand.position,
                absl::StrCat("expected a condition or a property, got ",
                             Describe(operand)));
  }

  bool RequireOrdered(const Operand& operand) {
    return operand.kind == Kind::kNumber || operand.kind == Kind::kProperty ||
           operand.kind == Kind::kNegation ||
           Fail(operand.position,
                absl::StrCat("expected a number or a property to compare by"
                             " size, got ",
                             Describe(operand)));
  }

  // An operand that begins at `position` and ends before the token at hand.
  ABSL_ATTRIBUTE_NOINLINE bool Push(Kind kind, size_t position) {
    operands_.push_back({kind, position, TextFrom(position), {}});
    return true;
  }

  // The token at hand, which is taken, as an operand.
  bool PushToken(Kind kind) {
    const size_t position = token_.position;
    Advance();
    return Push(kind, position);
  }

  // A "+" and parentheses make nothing (a property, say, stays one), but the
  // operand now begins with them.
  bool Widen(size_t position) {
    operands_.back().position = position;
    operands_.back().text = TextFrom(position);
    return true;
  }

  Operand Pop() {
    const Operand operand = operands_.back();
    operands_.pop_back();
    return operand;
  }

  absl::string_view TextFrom(size_t position) const {
    return expression_.substr(position, taken_end_ - position);
  }

  ABSL_ATTRIBUTE_NOINLINE void Advance() {
    taken_end_ = token_.position + token_.text.size();
    token_ = lexer_.Next();
  }

  bool Take(Type type) {
    if (token_.type != type) return false;
    Advance();
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool FailAtToken(absl::string_view expected) {
    return Fail(token_.position, IsToken(token_.type)
                                     ? absl::StrCat("expected ", expected,
                                                    ", got ", Describe(token_))
                                     : DescribeFault(token_));
  }

  bool Fail(size_t position, std::string reason) {
    error_ = ExpressionError{position, std::move(reason)};
    return false;
  }

  const absl::string_view expression_;
  Sql92Lexer lexer_;
  Sql92Token token_;                  // At hand: not taken yet.
  size_t taken_end_ = 0;              // Of the token before it.
  std::vector<Operand> operands_;     // Read, and not used by an operator yet.
  std::vector<Sql92Token> prefixes_;  // Signs and NOTs without their operand.
  int depth_ = 0;                     // Open parentheses.
  ExpressionError error_;
};

}  // namespace

absl::optional<ExpressionError> CheckSql92(absl::string_view expression) {
  if (expression.size() > kMaxSql92Bytes) {
    return ExpressionError{
        kMaxSql92Bytes,
        absl::StrCat("expected an expression of at most ", kMaxSql92Bytes,
                     " bytes, got ", expression.size())};
  }
  return Parser(expression).Check();
}

std::string ToString(const ExpressionError& error) {
  return absl::StrCat("at position ", error.position, ": ", error.reason);
}

}  // namespace rmq
