// Looks for channels among those that are open, and those that were closed.
#ifndef BROKER_REGISTRY_CHANNEL_SEARCH_H_
#define BROKER_REGISTRY_CHANNEL_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/channel_summary.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/closed_channels.h"
#include "broker/registry/table_state.h"

namespace rmq {

enum class ListOrder {
  // By the time of opening; of closed channels, by the time of closing.
  kOldestFirst,
  kNewestFirst,
};

// An open channel, and what it was when it was found.
struct FoundChannel {
  ClientChannelPtr channel;
  ChannelSummary summary;
};

// One piece of a search: looks at open channels after `*cursor` (0: from the
// beginning) in `order`, and calls `found` for those that are bound to a client
// and meet `filter`. Ends after `max_found`, or when the work is `max_work`. A
// look counts as one, or as many as the memberships that it looks at; a channel
// that is found counts once more, and for each name that a summary of it has.
// Moves the cursor; sets it to 0 after the last channel. Returns the work,
// which is at least 1.
//
// A client's channels are found by its id, and a group's by its members, so a
// search for either looks at no others.
size_t SearchOpen(const TableState& state, const ChannelFilter& filter,
                  ListOrder order, size_t max_found, size_t max_work,
                  ChannelId* cursor,
                  absl::FunctionRef<void(ChannelRecord&)> found);

// The same for closed channels; the cursor is ClosedChannel::number.
size_t SearchClosed(const ClosedChannels& closed, const ChannelFilter& filter,
                    ListOrder order, size_t max_found, size_t max_work,
                    uint64_t* cursor, std::vector<ClosedChannelPtr>* found);

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_SEARCH_H_
