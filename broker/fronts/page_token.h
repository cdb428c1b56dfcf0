// The pages of listings: their sizes and tokens.
#ifndef BROKER_FRONTS_PAGE_TOKEN_H_
#define BROKER_FRONTS_PAGE_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/registry/client_table.h"

namespace rmq {

// Returns how many rows a page of the size `page_size` has, which must be 0
// (the largest page) to ClientTable::kMaxPiece.
absl::StatusOr<size_t> ParsePageSize(int32_t page_size);

// The token of a page of members is the cursor it begins at; an empty one is
// the first page's.
absl::StatusOr<MemberCursor> ParseMemberPageToken(absl::string_view token);
std::string MemberPageToken(MemberCursor cursor);

// The token of a page of names is the last name of the page before it.
absl::Status ValidateNamePageToken(absl::string_view token);

// The refusal of a token that none of a method's pages had.
absl::Status NotAPageToken(absl::string_view token);

}  // namespace rmq

#endif  // BROKER_FRONTS_PAGE_TOKEN_H_
