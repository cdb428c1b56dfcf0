#include "broker/auth/method_access.h"

#include "absl/strings/strip.h"
#include "common/validation.h"

namespace rmq {
namespace {

using Of = MethodAccess::Of;

constexpr AuthActions kGet = {AuthAction::kGet};
constexpr AuthActions kUpdate = {AuthAction::kUpdate};

struct Entry {
  absl::string_view method;
  MethodAccess access;
};

constexpr Entry kOfClients[] = {
    {"CheckClientConfig", {Of::kNothing, {}}},
    // Its frames are asked about as the methods that do the same.
    {"Connect", {Of::kNothing, {}}},
    {"GetConsumerListByGroup",
     {Of::kNamed, {AuthAction::kSub, AuthAction::kGet}}},
    {"Heartbeat", {Of::kNamed, {AuthAction::kSub}}},
    // Who may not be in a group any more may leave it: what counts is whose
    // client id it is. Differs: RocketMQ asks for SUB.
    {"UnregisterClient", {Of::kNothing, {}}},
};

// Those of RocketMQ 5's protocol ask as RocketMQ does.
constexpr Entry kOfSdks[] = {
    {"AckMessage", {Of::kNothing, {}}},
    {"ChangeInvisibleDuration", {Of::kNothing, {}}},
    {"EndTransaction", {Of::kNothing, {}}},
    {"ForwardMessageToDeadLetterQueue", {Of::kNothing, {}}},
    {"GetOffset", {Of::kNothing, {}}},
    {"Heartbeat", {Of::kNamed, {AuthAction::kSub}}},
    {"NotifyClientTermination", {Of::kNothing, {}}},
    {"PullMessage", {Of::kNothing, {}}},
    {"QueryAssignment", {Of::kNamed, {AuthAction::kSub}}},
    {"QueryOffset", {Of::kNothing, {}}},
    {"QueryRoute",
     {Of::kNamed, {AuthAction::kPub, AuthAction::kSub, AuthAction::kGet}}},
    {"RecallMessage", {Of::kNothing, {}}},
    // Settings are asked about as one of the next two.
    {"ReceiveMessage", {Of::kNamed, {AuthAction::kSub}}},
    {"SendMessage", {Of::kNamed, {AuthAction::kPub}}},
    {"SyncLiteSubscription", {Of::kNothing, {}}},
    {"Telemetry", {Of::kNothing, {}}},
    {"UpdateOffset", {Of::kNothing, {}}},
};

// Look-ups of producers ask for the cluster: the rules' groups are those of
// consumers. So do those that show what a client has besides.
constexpr Entry kOfOperators[] = {
    {"Drain", {Of::kCluster, kUpdate}},
    {"ExplainGroup", {Of::kNamedOrCluster, kGet}},
    {"FindConsumerChannel", {Of::kNamedOrCluster, kGet}},
    {"FindProducerChannel", {Of::kCluster, kGet}},
    {"FindSubscription", {Of::kNamedOrCluster, kGet}},
    {"GetAllProducerInfo", {Of::kCluster, kGet}},
    {"GetAvailableProducerChannel", {Of::kCluster, kGet}},
    {"GetBroker", {Of::kCluster, kGet}},
    {"GetClient", {Of::kCluster, kGet}},
    {"GetConsumerConnectionList", {Of::kNamedOrCluster, kGet}},
    {"GetGroupMembership", {Of::kNamedOrCluster, kGet}},
    {"GetGroupOnline", {Of::kNamedOrCluster, kGet}},
    {"GetPolicy", {Of::kCluster, kGet}},
    {"GetProducerConnectionList", {Of::kCluster, kGet}},
    {"GetSubscriptionConsistency", {Of::kNamedOrCluster, kGet}},
    {"KickClients", {Of::kCluster, kUpdate}},
    {"ListClients", {Of::kCluster, kGet}},
    {"ListDuplicateClientIds", {Of::kCluster, kGet}},
    {"ListGroups", {Of::kCluster, kGet}},
    {"ListPeers", {Of::kCluster, kGet}},
    {"ListSubscriptionGroups", {Of::kCluster, kGet}},
    {"ListTopics", {Of::kCluster, kGet}},
    // It makes the client work.
    {"PrintThreadStackTrace", {Of::kCluster, kUpdate}},
    {"QueryTopicConsumeByWho", {Of::kNamedOrCluster, kGet}},
    {"ReleaseClients", {Of::kCluster, kUpdate}},
    {"ReloadConfig", {Of::kCluster, kUpdate}},
    {"Watch", {Of::kNamedOrCluster, kGet}},
};

constexpr Entry kOfHealth[] = {
    {"Check", {Of::kNothing, {}}},
    {"Watch", {Of::kNothing, {}}},
};

struct Service {
  // With the dot behind it.
  absl::string_view name;
  absl::Span<const Entry> methods;
};

constexpr Service kServices[] = {
    {"rocketmq.clientmanager.v1.ClientManager.", kOfClients},
    {"rocketmq.clientmanager.v1.ClientManagerAdmin.", kOfOperators},
    {"grpc.health.v1.Health.", kOfHealth},
    {"apache.rocketmq.v2.MessagingService.", kOfSdks},
};

}  // namespace

absl::optional<MethodAccess> AccessOf(absl::string_view method) {
  for (const Service& service : kServices) {
    absl::string_view name = method;
    if (!absl::ConsumePrefix(&name, service.name)) continue;
    for (const Entry& entry : service.methods) {
      if (entry.method == name) return entry.access;
    }
  }
  return absl::nullopt;
}

AuthResource ResourceOfTopic(absl::string_view topic) {
  const bool is_retry = absl::ConsumePrefix(&topic, kRetryTopicPrefix);
  return {is_retry ? ResourceKind::kGroup : ResourceKind::kTopic, topic};
}

absl::InlinedVector<RequiredAccess, 8> RequiredBy(
    const MethodAccess& access, absl::string_view cluster,
    absl::Span<const absl::string_view> groups,
    absl::Span<const absl::string_view> topics) {
  absl::InlinedVector<RequiredAccess, 8> required;
  const auto require = [&](ResourceKind kind, absl::string_view name) {
    required.push_back({{kind, name}, access.actions});
  };
  if (access.of == Of::kNamed || access.of == Of::kNamedOrCluster) {
    for (const absl::string_view group : groups) {
      require(ResourceKind::kGroup, group);
    }
    for (const absl::string_view topic : topics) {
      required.push_back({ResourceOfTopic(topic), access.actions});
    }
  }
  const bool names_none = groups.empty() && topics.empty();
  if (access.of == Of::kCluster ||
      (access.of == Of::kNamedOrCluster && names_none)) {
    require(ResourceKind::kCluster, cluster);
  }
  return required;
}

}  // namespace rmq
