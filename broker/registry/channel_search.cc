#include "broker/registry/channel_search.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/btree_set.h"
#include "broker/registry/channel_groups.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/registered_group.h"

namespace rmq {
namespace {

using Channels = absl::btree_set<ChannelRecord*, ByChannelId>;

// A client with more channels is looked for among all.
constexpr size_t kMostOfAClient = 1000;

const Channels& MembersOf(const RegisteredGroup* group) {
  static const auto& none = *new Channels;
  return group == nullptr ? none : group->members;
}

// The channels that are bound to a client. False if they are very many.
bool CollectChannelsOf(const ClientEntry* client, Channels* channels) {
  if (client == nullptr) return true;
  ClientEntry::Place place = ClientEntry::kBeforeAll;
  for (size_t looks = 0; looks < kMostOfAClient; ++looks) {
    ChannelRecord* const channel = client->Next(&place);
    if (channel == nullptr) return true;
    if (channel->client == client) channels->insert(channel);
  }
  return client->Next(&place) == nullptr;
}

// What of a search a piece has done.
struct Piece {
  const ChannelFilter& filter;
  const size_t max_found;
  const size_t max_work;
  absl::FunctionRef<void(ChannelRecord&)> found;
  size_t work = 0;
  size_t matches = 0;

  bool is_over() const { return matches >= max_found || work >= max_work; }

  void Look(ChannelRecord& channel) {
    const size_t memberships = channel.memberships.size();
    work += filter.reads_memberships() ? std::max<size_t>(memberships, 1) : 1;
    if (channel.client == nullptr || !filter.Matches(channel)) return;
    found(channel);
    ++matches;
    work += 1 + std::min(memberships, 2 * ChannelGroups::kMost);
  }
};

// Looks at the channels of two ranges, each in the order of `comes_first`.
// Returns the last channel if there are more, else 0.
template <typename Iterator, typename ComesFirst>
ChannelId LookAtBoth(Iterator a, Iterator a_end, Iterator b, Iterator b_end,
                     ComesFirst comes_first, Piece* piece) {
  ChannelId last = 0;
  while (a != a_end || b != b_end) {
    if (piece->is_over()) return last;
    const bool is_of_a = b == b_end || (a != a_end && !comes_first(*b, *a));
    ChannelRecord* const channel = is_of_a ? *a : *b;
    if (a != a_end && *a == channel) ++a;
    if (b != b_end && *b == channel) ++b;
    last = channel->id;
    piece->Look(*channel);
  }
  return 0;
}

void LookAtBoth(const Channels& a, const Channels& b, ListOrder order,
                ChannelId* cursor, Piece* piece) {
  const ByChannelId by_id;
  const ChannelId after = *cursor;
  if (order == ListOrder::kOldestFirst) {
    *cursor = LookAtBoth(a.upper_bound(after), a.end(), b.upper_bound(after),
                         b.end(), by_id, piece);
    return;
  }
  const auto begin = [after](const Channels& channels) {
    return after == 0 ? channels.rbegin()
                      : std::make_reverse_iterator(channels.lower_bound(after));
  };
  *cursor = LookAtBoth(
      begin(a), a.rend(), begin(b), b.rend(),
      [by_id](const ChannelRecord* x, const ChannelRecord* y) {
        return by_id(y, x);
      },
      piece);
}

}  // namespace

size_t SearchOpen(const TableState& state, const ChannelFilter& filter,
                  ListOrder order, size_t max_found, size_t max_work,
                  ChannelId* cursor,
                  absl::FunctionRef<void(ChannelRecord&)> found) {
  Piece piece{filter, max_found, max_work, found};
  const Channels& none = MembersOf(nullptr);
  Channels of_client;
  if (!filter.client_id.empty() &&
      CollectChannelsOf(state.clients().Find(filter.client_id), &of_client)) {
    LookAtBoth(of_client, none, order, cursor, &piece);
  } else if (!filter.group.empty()) {
    LookAtBoth(MembersOf(state.FindGroup(GroupKind::kConsumer, filter.group)),
               MembersOf(state.FindGroup(GroupKind::kProducer, filter.group)),
               order, cursor, &piece);
  } else {
    LookAtBoth(state.open(), none, order, cursor, &piece);
  }
  return std::max<size_t>(piece.work, 1);
}

size_t SearchClosed(const ClosedChannels& closed, const ChannelFilter& filter,
                    ListOrder order, size_t max_found, size_t max_work,
                    uint64_t* cursor, std::vector<ClosedChannelPtr>* found) {
  const ClosedChannels::KeptByNumber& kept = closed.kept();
  const uint64_t after = std::exchange(*cursor, 0);
  size_t work = 0;
  size_t matches = 0;
  const auto look = [&](auto at, const auto end) {
    for (; at != end; ++at) {
      if (matches >= max_found || work >= max_work) return;
      const ClosedChannelPtr& entry = at->second.channel;
      ++work;
      *cursor = entry->number;
      if (!filter.Matches(entry->summary)) continue;
      found->push_back(entry);
      ++matches;
    }
    *cursor = 0;
  };
  if (order == ListOrder::kOldestFirst) {
    look(kept.upper_bound(after), kept.end());
  } else {
    look(after == 0 ? kept.rbegin()
                    : std::make_reverse_iterator(kept.lower_bound(after)),
         kept.rend());
  }
  return std::max<size_t>(work, 1);
}

}  // namespace rmq
