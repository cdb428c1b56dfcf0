#include "broker/fronts/admin/peer_methods.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/fronts/page_token.h"
#include "broker/fronts/proto_time.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/connections.h"

namespace rmq {
namespace {

void FillPeer(const Connection& connection, Clock& clock,
              pb::ConnectedPeer* message) {
  const Connection::Counts counts = connection.counts();
  message->set_remote_address(connection.peer());
  FillTimestamp(clock.ClockToWall(connection.since()),
                message->mutable_connected_at());
  message->set_bytes(counts.bytes);
  message->set_messages(counts.messages);
  message->set_message_bytes(counts.message_bytes);
  message->set_calls(counts.calls);
  message->set_open_calls(counts.open_calls);
  message->set_wasted_calls(counts.wasted_calls);
  message->set_principal(std::string(connection.user()));
  message->set_several_principals(connection.has_several_users());
}

// A page goes on behind the number of a connection.
CallStatus ListPeers(const AdminCall& call, const pb::ListPeersRequest& request,
                     pb::ListPeersResponse* response) {
  const absl::StatusOr<size_t> max = ParsePageSize(request.page_size());
  if (!max.ok()) return FromStatus(max.status());
  const absl::StatusOr<MemberCursor> after =
      ParseMemberPageToken(request.page_token());
  if (!after.ok()) return FromStatus(after.status());
  const Connections& connections = *call.broker.connections;
  const std::vector<ConnectionPtr> page = connections.List(*after, *max);
  for (const ConnectionPtr& connection : page) {
    FillPeer(*connection, call.broker.clock, response->add_peers());
  }
  if (page.size() == *max &&
      !connections.List(page.back()->number(), 1).empty()) {
    response->set_next_page_token(MemberPageToken(page.back()->number()));
  }
  return {};
}

}  // namespace

AdminMethods PeerMethods() { return {MethodOf(ListPeers)}; }

}  // namespace rmq
