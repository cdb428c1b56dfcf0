// Says whether an SQL92 subscription expression is one that RocketMQ's broker
// accepts, and if not, where it is wrong and what may stand there. Expressions
// are checked, not kept: this broker manages clients and filters no messages.
//
//   expression  = or ;                    what follows is not read, see below
//   or          = and { OR and } ;
//   and         = equality { AND equality } ;
//   equality    = comparison { ( "=" | "<>" ) comparison | IS [ NOT ] NULL } ;
//   comparison  = unary { predicate } ;
//   predicate   = ( ">" | ">=" | "<" | "<=" ) unary
//               | [ NOT ] BETWEEN unary AND unary
//               | [ NOT ] IN "(" string { "," string } ")"
//               | [ NOT ] ( CONTAINS | STARTSWITH | ENDSWITH ) string ;
//   unary       = { "+" | "-" | NOT } primary ;
//   primary     = property | string | integer | float | TRUE | FALSE | NULL
//               | "(" or ")" ;
//
// sql92_lexer.h has the tokens. Operators group to the left, and NOT binds like
// a sign: `NOT a = 1` is `(NOT a) = 1`.
//
// What the operators take. A condition is what OR, AND, NOT, an equality or a
// predicate makes. TRUE, FALSE and NULL are conditions and constants. "-" makes
// what is neither, also of a number; "+" and parentheses change nothing.
//
//   OR AND NOT, the whole  a condition or a property
//   > >= < <=              no condition, no constant that is not a number
//   BETWEEN                the same; of two constants as bounds, the lower one
//                          must not be above the upper one
//   NOT BETWEEN            the same, but the bounds are not compared
//   = <>                   anything but NULL; after TRUE or FALSE no number and
//                          no string
//   IN                     a property before it
//   IS CONTAINS STARTSWITH ENDSWITH + -    anything
//
// An integer is at most 2^63 - 1, since no sign belongs to it; a float, rounded
// to a double, from 4.9E-324 to 1.7976931348623157E308, which leaves out zero.
//
// Surprising, and kept, since an expression must fare here as it does there:
// the first token after the expression must be a token, but may be any that
// does not continue it, and nothing behind that is looked at. So `a = 1 b ?` is
// accepted, `a = 1 ?` is not, and `a LIKE 'x'`, `a + 1 = 2`, `a = 0x1F` are.
//
// The empty expression is refused. Whether there is one at all (null) is for
// the caller to know: the reference refuses that too.
//
// Bounds: kMaxSql92Bytes and kMaxSql92Depth; any bytes may come in. The time is
//   linear in the length. A level of parentheses takes some 250 bytes of stack,
//   in no build more than 2 KiB.
// Thread-safety: pure functions.
// Reference: filter/parser/SelectorParser.jj, filter/expression/*.java.
// Differs: the length is bounded, and so are parentheses, where the reference
//   ends with its thread's stack: at a good 1000 of them if that has 1 MiB.
//   Signs and NOTs in a row, of which it takes some 3000, are bound by the
//   length only.
#ifndef BROKER_FILTER_SQL92_H_
#define BROKER_FILTER_SQL92_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace rmq {

// A longer expression is refused without being read.
inline constexpr size_t kMaxSql92Bytes = 64 * 1024;

// So many parentheses may be open at once.
inline constexpr int kMaxSql92Depth = 1000;

struct ExpressionError {
  // Byte offset, from 0, of what is wrong; the length of the expression if it
  // ends too early.
  size_t position = 0;
  // What is wrong, what is there and what may be. Printable ASCII, one line,
  // of bounded length, whatever the expression is.
  std::string reason;
};

// The first thing wrong with `expression`; nullopt if it is accepted.
absl::optional<ExpressionError> CheckSql92(absl::string_view expression);

// One line: `at position 7: expected a string after CONTAINS, got "b"`.
std::string ToString(const ExpressionError& error);

}  // namespace rmq

#endif  // BROKER_FILTER_SQL92_H_
