#include "broker/registry/duplicate_clients.h"

#include "absl/strings/str_cat.h"
#include "broker/registry/client_channel.h"
#include "common/validation.h"

namespace rmq {

absl::string_view Name(DuplicateClientIdPolicy policy) {
  switch (policy) {
    case DuplicateClientIdPolicy::kReport: return "report";
    case DuplicateClientIdPolicy::kNewestWins: return "newest_wins";
    case DuplicateClientIdPolicy::kOldestWins: return "oldest_wins";
  }
  return "?";
}

absl::optional<DuplicateClientIdPolicy> ParseDuplicateClientIdPolicy(
    absl::string_view name) {
  for (const auto policy :
       {DuplicateClientIdPolicy::kReport, DuplicateClientIdPolicy::kNewestWins,
        DuplicateClientIdPolicy::kOldestWins}) {
    if (name == Name(policy)) return policy;
  }
  return absl::nullopt;
}

void DuplicateClients::Update(const ClientEntry& client, absl::Time now) {
  if (client.HasStreamsOfSeveral()) {
    by_id_.try_emplace(client.client_id(), Duplicate{&client, now});
  } else if (!by_id_.empty()) {
    by_id_.erase(client.client_id());
  }
}

ClientWarning DuplicateWarning(const ClientEntry& client,
                               const ChannelRecord& other) {
  ClientWarning warning;
  warning.kind = ClientWarning::Kind::kDuplicateClientId;
  const size_t streams = client.incarnated_streams();
  warning.message = absl::StrCat(
      "another process uses the client id ", Quoted(client.client_id()),
      ", from ", other.port->remote_address(),
      streams > 2 ? absl::StrCat("; ", streams, " streams use it in all") : "",
      ". Give each process an id of its own");
  warning.client_ids.emplace_back(client.client_id());
  return warning;
}

ClientWarning TakeOverWarning(absl::string_view client_id,
                              absl::string_view other_address) {
  ClientWarning warning;
  warning.kind = ClientWarning::Kind::kDuplicateClientId;
  warning.message =
      absl::StrCat("this client has taken the client id ", Quoted(client_id),
                   " over from another process, at ", other_address,
                   ". Give each process an id of its own");
  warning.client_ids.emplace_back(client_id);
  return warning;
}

}  // namespace rmq
