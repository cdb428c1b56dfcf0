// The part of TableState that is about what is wrong with clients.
#include <algorithm>
#include <string>
#include <vector>

#include "broker/registry/table_state.h"

namespace rmq {

bool TableState::BindAmongOthers(ChannelRecord& channel, ClientEntry& client,
                                 uint64_t incarnation, bool is_known,
                                 Records* replaced, RegisterResult* result,
                                 TableChange* change) {
  using Policy = DuplicateClientIdPolicy;
  const Policy policy = options_.duplicate_client_id_policy;
  const ClientProcess process = {incarnation, channel.principal};
  ChannelRecord* const other =
      incarnation == 0 ? nullptr : client.StreamOfAnother(process);
  if (other != nullptr && (!is_known || policy != Policy::kReport)) {
    change->AddDuplicateClientId(channel, client.client_id(),
                                 other->port->remote_address());
  }
  if (other != nullptr && policy == Policy::kOldestWins) {
    result->outcome = RegisterResult::Outcome::kDuplicateClientId;
    result->other_address = std::string(other->port->remote_address());
    return false;
  }
  clients_.Bind(client, channel, incarnation);
  // Those of other principals are duplicates to operators alone.
  duplicates_.Update(client, change->now());
  if (other == nullptr) return true;
  if (policy == Policy::kNewestWins) {
    result->other_address = std::string(other->port->remote_address());
    for (ChannelRecord* const old : client.StreamsOfOthers(process)) {
      if (old->liveness.Close()) replaced->push_back(old);
    }
  } else if (!is_known) {
    other->MutableExceptions().has_new_duplicate = true;
    other->liveness.SetAttention(true);
  }
  return true;
}

std::vector<ClientWarning> TableState::TakeWarnings(ChannelRecord& channel,
                                                    bool only_news) {
  std::vector<ClientWarning> warnings;
  const bool is_new =
      channel.exceptions != nullptr && channel.exceptions->has_new_duplicate;
  if (is_new) {
    channel.exceptions->has_new_duplicate = false;
    channel.DropExceptionsIfEmpty();
  }
  if (duplicates_.size() > 0 && channel.client != nullptr &&
      channel.incarnation != 0 && (is_new || !only_news)) {
    const ChannelRecord* const other = channel.client->StreamOfAnother(
        {channel.incarnation, channel.principal});
    if (other != nullptr) {
      warnings.push_back(DuplicateWarning(*channel.client, *other));
    }
  }
  consumers_.TakeWarnings(channel, only_news, &warnings);
  return warnings;
}

bool TableState::HasNews(const ChannelRecord& channel) const {
  return (channel.exceptions != nullptr &&
          channel.exceptions->has_new_duplicate) ||
         consumers_.HasNews(channel);
}

ExpiryOutlook TableState::Outlook() const {
  ExpiryOutlook outlook = expiry_.Outlook();
  outlook.next_due =
      std::min(outlook.next_due, consumers_.inconsistent().NextDue());
  return outlook;
}

bool TableState::ReportInconsistencies(size_t max, TableChange* change) {
  consumers_.inconsistent().ReportDue(max, change);
  return consumers_.inconsistent().NextDue() <= change->now();
}

}  // namespace rmq
