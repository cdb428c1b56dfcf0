// Pages of what has names, in the order of the names.
#ifndef BROKER_FRONTS_ADMIN_NAME_PAGE_H_
#define BROKER_FRONTS_ADMIN_NAME_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/page_token.h"
#include "common/response_code.h"

namespace rmq {

// Checks the form of a request for a page of names, and sets how many the page
// holds at most. The page goes on behind the name `page_token`.
inline CallStatus ParseNamePage(int32_t page_size, absl::string_view page_token,
                                size_t* max) {
  const absl::StatusOr<size_t> size = ParsePageSize(page_size);
  if (!size.ok()) return FromStatus(size.status());
  *max = *size;
  return FromStatus(ValidateNamePageToken(page_token));
}

// Returns `list(after, max)`: what stands behind the name `after`, `max` items
// at most. Sets the token of the next page: the name of the last item, or empty
// if nothing stands behind it.
template <typename List, typename NameOf>
auto ListPage(std::string after, size_t max, List list, NameOf name_of,
              std::string* next_page_token) {
  auto page = list(after, max);
  next_page_token->clear();
  if (page.size() < max) return page;
  after = name_of(page.back());
  if (!list(after, 1).empty()) *next_page_token = std::move(after);
  return page;
}

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_NAME_PAGE_H_
