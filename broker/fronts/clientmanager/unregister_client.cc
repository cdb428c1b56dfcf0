#include "broker/fronts/clientmanager/unregister_client.h"

#include <cstddef>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/client_id_holder.h"
#include "google/protobuf/repeated_field.h"

namespace rmq {
namespace {

using GroupNames = absl::InlinedVector<absl::string_view, 8>;
using RepeatedString = google::protobuf::RepeatedPtrField<std::string>;

// As proto says: a client could not know a limit that the broker's flags set.
constexpr size_t kMaxGroups = 256;

// The groups of one kind: `group`, unless it is empty, and `further_groups`.
GroupNames NamedGroups(const std::string& group,
                       const RepeatedString& further_groups) {
  GroupNames names;
  if (!group.empty()) names.push_back(group);
  names.insert(names.end(), further_groups.begin(), further_groups.end());
  return names;
}

GroupNames Producers(const pb::UnregisterClientRequest& request) {
  return NamedGroups(request.producer_group(), request.producer_groups());
}
GroupNames Consumers(const pb::UnregisterClientRequest& request) {
  return NamedGroups(request.consumer_group(), request.consumer_groups());
}

// `group` is the field `field`; `further_groups` is the field `field`s.
absl::Status ValidateGroups(absl::string_view field, const std::string& group,
                            const RepeatedString& further_groups,
                            const Limits& limits) {
  if (!group.empty()) {
    const absl::Status status = ValidateGroup(field, group, limits);
    if (!status.ok()) return status;
  }
  for (int i = 0; i < further_groups.size(); ++i) {
    const absl::Status status = ValidateGroup(absl::StrCat(field, "s[", i, "]"),
                                              further_groups[i], limits);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ValidateForm(const pb::UnregisterClientRequest& request,
                          const Limits& limits) {
  const size_t groups = Producers(request).size() + Consumers(request).size();
  if (groups == 0) {
    return absl::InvalidArgumentError(
        "producer_group and consumer_group are both empty, as are "
        "producer_groups and consumer_groups; at least one group must be "
        "given");
  }
  absl::Status status =
      ValidateCount("groups to leave in one request", groups, kMaxGroups);
  if (!status.ok()) return status;
  status = ValidateGroups("producer_group", request.producer_group(),
                          request.producer_groups(), limits);
  if (!status.ok()) return status;
  return ValidateGroups("consumer_group", request.consumer_group(),
                        request.consumer_groups(), limits);
}

CallResources UnregisterResources(const pb::UnregisterClientRequest& request) {
  CallResources resources;
  resources.client_id = request.client_id();
  resources.groups = Consumers(request);
  resources.producer_groups = Producers(request);
  return resources;
}

CallStatus UnregisterClient(const ClientCall& call,
                            const pb::UnregisterClientRequest& request,
                            pb::UnregisterClientResponse* /*response*/) {
  CallStatus status = call.caller.CheckClientId(request.client_id());
  if (!status.ok()) return status;
  status = FromStatus(ValidateForm(request, call.broker.limits));
  if (!status.ok()) return status;
  status = call.CheckHolder(call.caller.client_id());
  if (!status.ok()) return status;
  if (ClientChannel* const channel = call.caller.channel()) {
    status = call.broker.processor.UnregisterClient(
        *channel, call.caller.client_id(), Producers(request),
        Consumers(request), call.context.now, call.principal());
    if (!status.ok()) {
      NoteOfAnother(call.ClaimOf(call.caller.client_id()),
                    &call.broker.counters.denials);
    }
  }
  return status;
}

}  // namespace

ClientRequest UnregisterClientKind() {
  return RequestOf(UnregisterClient, UnregisterResources);
}

}  // namespace rmq
