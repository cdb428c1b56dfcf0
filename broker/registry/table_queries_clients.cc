// The channels of one client, with all that each states.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/table_queries.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

MembershipInfo InfoOf(const ChannelRecord& channel,
                      const Membership& membership) {
  MembershipInfo info;
  info.kind = membership.group->kind;
  info.group = membership.group->name;
  info.last_stated = channel.LastStated(membership);
  info.language = membership.language;
  info.version = membership.version;
  const MemberStatement& statement = membership.statement;
  if (statement.empty()) return info;
  info.modes = statement.modes();
  for (size_t i = 0; i < statement.size(); ++i) {
    info.subscriptions.emplace(
        statement.topic(i),
        SubscriptionData{statement.expression(i), statement.expression_type(i),
                         statement.sub_version(i)});
  }
  return info;
}

}  // namespace

std::vector<ClientChannelInfo> TableQueries::ListClientChannels(
    absl::string_view client_id, size_t max, ClientCursor* cursor) const {
  std::vector<ClientChannelInfo> channels;
  max = std::min(max, kMaxPiece);
  const ClientCursor begin = std::exchange(*cursor, {});
  MutexLock lock(&mu_);
  const ClientEntry* const client = state_.clients().Find(client_id);
  if (client == nullptr) return channels;
  ClientEntry::Place place = begin.place;
  if (client->has_one_channel()) {
    // Its place may have been another one when the piece before was read.
    place = ClientEntry::kBeforeAll;
    ClientEntry::Place only = place;
    if (client->Next(&only)->id == begin.channel && begin.membership == 0) {
      return channels;
    }
  }
  // The first row of a piece is always read, so that every piece is progress.
  size_t rows = 0;
  const auto is_full = [&] { return rows > 0 && rows >= max; };
  ChannelId last = 0;
  while (true) {
    const ClientEntry::Place before = place;
    const ChannelRecord* const channel = client->Next(&place);
    if (channel == nullptr) return channels;
    if (is_full()) {
      *cursor = {before, last, 0};
      return channels;
    }
    last = channel->id;
    ClientChannelInfo& info = channels.emplace_back();
    info.channel = channel->port;
    info.principal = std::string(state_.PrincipalOf(*channel));
    info.labels = channel->labels();
    const auto& memberships = channel->memberships;
    for (size_t i = last == begin.channel ? begin.membership : 0;
         i < memberships.size(); ++i) {
      if (&channel->ClientOf(memberships[i]) != client) continue;
      if (is_full()) {
        *cursor = {before, last, i};
        return channels;
      }
      info.memberships.push_back(InfoOf(*channel, memberships[i]));
      rows += 1 + info.memberships.back().subscriptions.size();
    }
    if (info.memberships.empty()) ++rows;
  }
}

}  // namespace rmq
