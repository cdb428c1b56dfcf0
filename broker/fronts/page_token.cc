#include "broker/fronts/page_token.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {

absl::StatusOr<size_t> ParsePageSize(int32_t page_size) {
  if (page_size < 0 ||
      page_size > static_cast<int32_t>(ClientTable::kMaxPiece)) {
    return absl::InvalidArgumentError(absl::StrCat("page_size must be 0 to ",
                                                   ClientTable::kMaxPiece,
                                                   ", got ", page_size));
  }
  return page_size == 0 ? ClientTable::kMaxPiece
                        : static_cast<size_t>(page_size);
}

absl::StatusOr<MemberCursor> ParseMemberPageToken(absl::string_view token) {
  MemberCursor cursor = 0;
  if (token.empty()) return cursor;
  // A number may be written in other ways, as " 7"; no token is.
  if (!absl::SimpleAtoi(token, &cursor) || MemberPageToken(cursor) != token) {
    return NotAPageToken(token);
  }
  return cursor;
}

std::string MemberPageToken(MemberCursor cursor) {
  return cursor == 0 ? "" : absl::StrCat(cursor);
}

absl::Status ValidateNamePageToken(absl::string_view token) {
  if (token.empty() || IsLegalName(token)) return absl::OkStatus();
  return NotAPageToken(token);
}

absl::Status NotAPageToken(absl::string_view token) {
  return absl::InvalidArgumentError(
      absl::StrCat("page_token must be a next_page_token of this method, got ",
                   Quoted(token)));
}

}  // namespace rmq
