#include "broker/fronts/admin/policy_methods.h"

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/fronts/admin/name_page.h"

namespace rmq {
namespace {

CallStatus ListSubscriptionGroups(
    const AdminCall& call, const pb::ListSubscriptionGroupsRequest& request,
    pb::ListSubscriptionGroupsResponse* response) {
  size_t max = 0;
  const CallStatus form =
      ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!form.ok()) return form;
  const std::vector<SubscriptionGroupConfig> configs = ListPage(
      request.page_token(), max,
      [&](absl::string_view after, size_t most) {
        return call.broker.policy.ListSubscriptionGroups(after, most);
      },
      [](const SubscriptionGroupConfig& config) { return config.group; },
      response->mutable_next_page_token());
  for (const SubscriptionGroupConfig& config : configs) {
    pb::SubscriptionGroup* const message = response->add_subscription_groups();
    message->set_group(config.group);
    message->set_notify_consumer_ids_changed_enable(
        config.notify_consumer_ids_changed_enable);
    message->set_retry_queue_nums(config.retry_queue_nums);
    message->set_members_are_told(call.broker.notifies &&
                                  config.notify_consumer_ids_changed_enable);
  }
  return {};
}

CallStatus ListTopics(const AdminCall& call,
                      const pb::ListTopicsRequest& request,
                      pb::ListTopicsResponse* response) {
  size_t max = 0;
  const CallStatus form =
      ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!form.ok()) return form;
  const std::vector<TopicConfig> topics = ListPage(
      request.page_token(), max,
      [&](absl::string_view after, size_t most) {
        return call.broker.policy.ListTopics(after, most);
      },
      [](const TopicConfig& topic) { return topic.topic; },
      response->mutable_next_page_token());
  for (const TopicConfig& topic : topics) {
    pb::Topic* const message = response->add_topics();
    message->set_topic(topic.topic);
    message->set_read_queue_nums(topic.read_queue_nums);
    message->set_write_queue_nums(topic.write_queue_nums);
    message->set_perm(topic.perm);
    message->set_topic_sys_flag(topic.topic_sys_flag);
    message->set_order(topic.order);
  }
  return {};
}

CallStatus GetPolicy(const AdminCall& call,
                     const pb::GetPolicyRequest& /*request*/,
                     pb::GetPolicyResponse* response) {
  const GroupPolicy::Options& options = call.broker.policy.options();
  response->set_auto_create_subscription_group(
      options.auto_create_subscription_group);
  response->set_max_auto_created_groups(options.max_auto_created_groups);
  response->set_max_auto_created_groups_per_address(
      options.auto_created_groups_per_address());
  response->set_enable_property_filter(options.enable_property_filter);
  response->set_enable_register_producer(options.enable_register_producer);
  response->set_reject_pull_consumer_enable(
      options.reject_pull_consumer_enable);
  response->set_notify_consumer_ids_changed_enable(call.broker.notifies);
  return {};
}

}  // namespace

AdminMethods PolicyMethods() {
  return {MethodOf(ListSubscriptionGroups), MethodOf(ListTopics),
          MethodOf(GetPolicy)};
}

}  // namespace rmq
