// The operands of an SQL92 expression, and how messages name them.
#ifndef BROKER_FILTER_SQL92_OPERAND_H_
#define BROKER_FILTER_SQL92_OPERAND_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/variant.h"
#include "broker/filter/sql92_lexer.h"

namespace rmq {

// What an operator may need to know of its operand.
enum class Sql92OperandKind {
  kProperty,
  kString,
  kNumber,
  kBoolean,    // TRUE or FALSE, literally.
  kNull,       // NULL, literally.
  kCondition,  // What OR, AND, NOT, a comparison and the like make.
  kNegation,   // "-" before anything. Its value is not known.
};

struct Sql92Operand {
  Sql92OperandKind kind = Sql92OperandKind::kCondition;
  size_t position = 0;     // Of its first byte.
  absl::string_view text;  // All of it, as it stands in the expression.
  absl::variant<int64_t, double> number;  // Of kNumber.
};

// Both are numbers. An integer and a float are compared as doubles, in the
// reference too: so 9007199254740993 is not greater than 9007199254740992.0.
bool IsGreater(const Sql92Operand& left, const Sql92Operand& right);

// `text` in double quotes, printable, and cut off after 40 bytes, so that no
// piece of an expression fills a message. Not rmq::Quoted(), which would put a
// backslash before each quote of a string.
std::string Sql92Excerpt(absl::string_view text);

// What a message calls it: "the keyword \"AND\"", "the number \"7\"".
std::string Describe(const Sql92Token& token);
std::string Describe(const Sql92Operand& operand);

// Why what is no token is none.
std::string DescribeFault(const Sql92Token& token);

}  // namespace rmq

#endif  // BROKER_FILTER_SQL92_OPERAND_H_
