// What tests of the policy share: a policy's options, admissions, and the
// events of groups whose members come and go.
#ifndef BROKER_POLICY_GROUP_POLICY_FIXTURE_H_
#define BROKER_POLICY_GROUP_POLICY_FIXTURE_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/policy/admission.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/client_event.h"
#include "broker/registry/test_statement.h"
#include "gtest/gtest.h"

namespace rmq {

class GroupPolicyFixture : public ::testing::Test {
 protected:
  struct Verdict {
    absl::optional<SkipReason> skip;
    bool notify_consumer_ids_changed = true;
  };

  static constexpr char kAddress[] = "10.0.0.1:40000";

  // The verdict on one consumer group of a heartbeat that has been applied.
  static Verdict Admit(GroupPolicy& policy, const TestConsumer& consumer,
                       absl::string_view remote_address = kAddress,
                       absl::string_view principal = "") {
    TestStatement stated = TestStatement("c1").As(principal);
    stated.consumers.push_back(consumer);
    const BuiltStatement statement(stated);
    const Admission admission(*statement, remote_address, &policy);
    if (!admission.passed_over().empty()) {
      return {admission.passed_over()[0].reason};
    }
    return {absl::nullopt,
            admission.admitted().consumers[0].notify_consumer_ids_changed};
  }
  static absl::optional<SkipReason> SkipOf(
      GroupPolicy& policy, absl::string_view group,
      absl::string_view remote_address = kAddress,
      absl::string_view principal = "") {
    TestConsumer consumer;
    consumer.group = std::string(group);
    return Admit(policy, consumer, remote_address, principal).skip;
  }

  static void Tell(GroupPolicy& policy, EventType type, absl::string_view group,
                   GroupKind kind = GroupKind::kConsumer) {
    ClientEvent event;
    event.type = type;
    event.kind = kind;
    event.group = std::string(group);
    policy.OnClientEvent(event);
  }
  // The group gets a member, and the policy the event at once.
  void Join(GroupPolicy& policy, absl::string_view group) {
    ++members_[std::string(group)];
    TellJoin(policy, group);
  }
  void Leave(GroupPolicy& policy, absl::string_view group) {
    --members_[std::string(group)];
    TellLeave(policy, group, /*emptied=*/members_[std::string(group)] == 0);
  }
  static void TellJoin(GroupPolicy& policy, absl::string_view group) {
    Tell(policy, EventType::kClientRegister, group);
  }
  static void TellLeave(GroupPolicy& policy, absl::string_view group,
                        bool emptied) {
    Tell(policy, EventType::kClientUnregister, group);
    if (emptied) Tell(policy, EventType::kUnregister, group);
    Tell(policy, EventType::kChange, group);
  }

  static std::vector<std::string> Groups(const GroupPolicy& policy) {
    std::vector<std::string> names;
    for (const auto& config : policy.ListSubscriptionGroups("", 100)) {
      names.push_back(config.group);
    }
    return names;
  }
  static std::vector<std::string> Topics(const GroupPolicy& policy) {
    std::vector<std::string> names;
    for (const TopicConfig& topic : policy.ListTopics("", 100)) {
      names.push_back(topic.topic);
    }
    return names;
  }

  // Members by group, as the table knows them.
  std::map<std::string, int> members_;
  int asked_ = 0;
  GroupPolicy::InUse in_use_ = [this](absl::string_view group) {
    ++asked_;
    const auto found = members_.find(std::string(group));
    return found != members_.end() && found->second > 0;
  };

  static GroupPolicy::Options WithLimit(size_t limit) {
    GroupPolicy::Options options;
    options.max_auto_created_groups = limit;
    return options;
  }
  static GroupPolicy::Options WithoutAutoCreate() {
    GroupPolicy::Options options;
    options.auto_create_subscription_group = false;
    return options;
  }
};

}  // namespace rmq

#endif  // BROKER_POLICY_GROUP_POLICY_FIXTURE_H_
