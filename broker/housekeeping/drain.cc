#include "broker/housekeeping/drain.h"

#include <vector>

#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"

namespace rmq {

Drain::Drain(ClientTable* table, ConsumerIdsNotifier* notifier)
    : table_(*table) {
  notifier->StartDraining();
}

bool Drain::CloseSome(absl::Time now) {
  std::vector<ClientChannelPtr> closed;
  const bool more =
      table_.CloseSome(RemovalReason::kDrained, kPieceChannels, now, &closed);
  for (const ClientChannelPtr& channel : closed) {
    channel->End(RemovalReason::kDrained);
  }
  closed_ += closed.size();
  return more;
}

}  // namespace rmq
