// Feeds any bytes to the SQL92 checker. See tools/fuzz/run.
//
// Beyond not crashing, it must stand to its own word: say the same twice, name
// a place within the expression, stay printable and short, and not change a
// verdict for what may stand before any expression.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/filter/sql92.h"

namespace {

constexpr size_t kMaxReasonBytes = 300;

void Require(bool holds, absl::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::abort();
}

bool IsAccepted(absl::string_view expression) {
  return !rmq::CheckSql92(expression).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view expression(reinterpret_cast<const char*>(data), size);
  const absl::optional<rmq::ExpressionError> error =
      rmq::CheckSql92(expression);
  const bool accepted = !error.has_value();
  Require(IsAccepted(expression) == accepted, "the verdict is the same again");
  if (error.has_value()) {
    Require(error->position <= size, "the position is in the expression");
    Require(!error->reason.empty(), "a refusal has a reason");
    Require(error->reason.size() <= kMaxReasonBytes, "the reason is short");
    for (const char c : error->reason) {
      Require(absl::ascii_isprint(static_cast<unsigned char>(c)),
              "the reason is printable");
    }
  }
  if (size + 16 > rmq::kMaxSql92Bytes) return 0;

  // Each operand of OR, and of AND, has to be what the whole has to be.
  for (const absl::string_view before :
       {" /* ' */ -- (\n", "TRUE OR ", "TRUE AND "}) {
    Require(IsAccepted(absl::StrCat(before, expression)) == accepted,
            absl::StrCat("the same verdict after ", before));
  }
  return 0;
}
