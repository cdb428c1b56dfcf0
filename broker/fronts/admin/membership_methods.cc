#include "broker/fronts/admin/membership_methods.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/no_such_group.h"
#include "broker/fronts/page_token.h"
#include "broker/fronts/proto_time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/table_queries.h"

namespace rmq {
namespace {

void FillMember(const MembershipMember& member, Clock& clock,
                pb::GroupMember* message) {
  const ClientChannel& channel = *member.member.channel;
  message->set_client_id(member.member.client_id);
  message->set_channel_id(channel.id());
  message->set_remote_address(std::string(channel.remote_address()));
  message->set_stream(channel.kind() == ClientChannel::Kind::kStream);
  message->set_joined_epoch(member.joined);
  message->set_acknowledged_epoch(member.acknowledged);
  if (member.behind_since != absl::InfiniteFuture()) {
    FillTimestamp(clock.ClockToWall(member.behind_since),
                  message->mutable_behind_since());
  }
  FillTimestamp(clock.ClockToWall(member.member.last_heard),
                message->mutable_last_heard_at());
}

CallStatus GetGroupMembership(const AdminCall& call,
                              const pb::GetGroupMembershipRequest& request,
                              pb::GetGroupMembershipResponse* response) {
  const absl::Status form =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  const absl::StatusOr<MemberCursor> begin =
      ParseMemberPageToken(request.page_token());
  if (!begin.ok()) return FromStatus(begin.status());

  MemberCursor cursor = *begin;
  uint64_t epoch = 0;
  const std::vector<MembershipMember> members =
      call.broker.table.ListMembership(request.group(), *page_size, &cursor,
                                       &epoch);
  if (members.empty() && *begin == 0) {
    return NoSuchGroup(GroupKind::kConsumer, request.group());
  }
  response->set_epoch(epoch);
  for (const MembershipMember& member : members) {
    FillMember(member, call.broker.clock, response->add_members());
  }
  response->set_next_page_token(MemberPageToken(cursor));
  return {};
}

}  // namespace

AdminMethods MembershipMethods() { return {MethodOf(GetGroupMembership)}; }

}  // namespace rmq
