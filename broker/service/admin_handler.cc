#include "broker/service/admin_handler.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/processor/client_manage_processor.h"

namespace rmq {
namespace {

// In one answer.
constexpr size_t kMostSkippedClients = 100;

CallStatus NoSuchGroup(GroupKind kind, absl::string_view group) {
  return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
          absl::StrCat("no ", Name(kind), " group ", Quoted(group),
                       " is registered")};
}

// The form of a paged request by names: `after` gets the name to go on behind.
CallStatus ParseNamePage(int32_t page_size, absl::string_view page_token,
                         size_t* max) {
  const absl::StatusOr<size_t> size = ParsePageSize(page_size);
  if (!size.ok()) return FromStatus(size.status());
  *max = *size;
  return FromStatus(ValidateNamePageToken(page_token));
}

// A page of what `list(after, max)` gives: what stands behind a name, in order.
// Sets the token of the next one: the page's last name, or empty if there is
// nothing behind it.
template <typename List, typename NameOf>
auto ListPage(std::string after, size_t max, List list, NameOf name_of,
              std::string* next_page_token) {
  auto page = list(after, max);
  next_page_token->clear();
  if (page.size() < max) return page;
  after = name_of(page.back());
  if (!list(after, 1).empty()) *next_page_token = std::move(after);
  return page;
}

void FillModes(const ConsumerModes& modes, pb::GroupSummary* message) {
  message->set_consume_type(static_cast<pb::ConsumeType>(modes.consume_type));
  message->set_message_model(
      static_cast<pb::MessageModel>(modes.message_model));
  message->set_consume_from_where(
      static_cast<pb::ConsumeFromWhere>(modes.consume_from_where));
}

}  // namespace

CallStatus AdminHandler::ListGroups(absl::string_view peer, absl::Time /*now*/,
                                    const pb::ListGroupsRequest& request,
                                    pb::ListGroupsResponse* response) {
  const CallStatus allowed = Authorize(peer, "ListGroups", "", {});
  if (!allowed.ok()) return allowed;
  size_t max = 0;
  const CallStatus form =
      ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!form.ok()) return form;

  const auto name_of = [](const auto& group) { return group.group; };
  switch (request.kind()) {
    case pb::GROUP_KIND_PRODUCER: {
      const std::vector<ProducerGroupInfo> groups = ListPage(
          request.page_token(), max,
          [this](absl::string_view after, size_t most) {
            return table_.ListProducerGroups(after, most);
          },
          name_of, response->mutable_next_page_token());
      for (const ProducerGroupInfo& group : groups) {
        pb::GroupSummary* const summary = response->add_groups();
        summary->set_group(group.group);
        summary->set_channels(static_cast<int64_t>(group.channels));
      }
      return {};
    }
    case pb::GROUP_KIND_CONSUMER: {
      const std::vector<ConsumerGroupInfo> groups = ListPage(
          request.page_token(), max,
          [this](absl::string_view after, size_t most) {
            return table_.ListConsumerGroups(after, most);
          },
          name_of, response->mutable_next_page_token());
      for (const ConsumerGroupInfo& group : groups) {
        pb::GroupSummary* const summary = response->add_groups();
        summary->set_group(group.group);
        summary->set_channels(static_cast<int64_t>(group.channels));
        FillModes(group.modes, summary);
        summary->set_subscriptions(
            static_cast<int32_t>(group.subscriptions->size()));
      }
      return {};
    }
    default:
      return BadForm(absl::StrCat(
          "kind must be GROUP_KIND_PRODUCER or GROUP_KIND_CONSUMER, got ",
          static_cast<int>(request.kind())));
  }
}

template <typename Request, typename Response>
CallStatus AdminHandler::ListConnections(absl::string_view peer,
                                         absl::string_view call, GroupKind kind,
                                         const Request& request,
                                         Response* response) {
  const absl::string_view group = request.group();
  CallStatus status = Authorize(peer, call, "", {group});
  if (!status.ok()) return status;
  status = FromStatus(ValidateGroup("group", group, limits_));
  if (!status.ok()) return status;
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  const absl::StatusOr<MemberCursor> begin =
      ParseMemberPageToken(request.page_token());
  if (!begin.ok()) return FromStatus(begin.status());

  MemberCursor cursor = *begin;
  const std::vector<MemberInfo> members =
      table_.ListMembers(kind, group, *page_size, &cursor);
  if (members.empty() && *begin == 0) return NoSuchGroup(kind, group);
  for (const MemberInfo& member : members) {
    FillConnection(member, clock_, response->add_connections());
  }
  response->set_next_page_token(MemberPageToken(cursor));
  return {};
}

CallStatus AdminHandler::GetConsumerConnectionList(
    absl::string_view peer, absl::Time /*now*/,
    const pb::GetConsumerConnectionListRequest& request,
    pb::GetConsumerConnectionListResponse* response) {
  const CallStatus status =
      ListConnections(peer, "GetConsumerConnectionList", GroupKind::kConsumer,
                      request, response);
  if (!status.ok()) return status;
  const absl::optional<ConsumerGroupInfo> group =
      table_.FindConsumerGroup(request.group());
  if (!group.has_value()) return {};  // Its last member left just now.
  response->set_consume_type(
      static_cast<pb::ConsumeType>(group->modes.consume_type));
  response->set_message_model(
      static_cast<pb::MessageModel>(group->modes.message_model));
  response->set_consume_from_where(
      static_cast<pb::ConsumeFromWhere>(group->modes.consume_from_where));
  if (!request.page_token().empty()) return {};
  const absl::btree_map<absl::string_view, const SubscriptionData*> by_topic =
      [&] {
        absl::btree_map<absl::string_view, const SubscriptionData*> sorted;
        for (const auto& [topic, subscription] : *group->subscriptions) {
          sorted.emplace(topic, &subscription);
        }
        return sorted;
      }();
  for (const auto& [topic, subscription] : by_topic) {
    FillSubscription(topic, *subscription, response->add_subscriptions());
  }
  return {};
}

CallStatus AdminHandler::GetProducerConnectionList(
    absl::string_view peer, absl::Time /*now*/,
    const pb::GetProducerConnectionListRequest& request,
    pb::GetProducerConnectionListResponse* response) {
  return ListConnections(peer, "GetProducerConnectionList",
                         GroupKind::kProducer, request, response);
}

CallStatus AdminHandler::Authorize(absl::string_view peer,
                                   absl::string_view call,
                                   absl::string_view client_id,
                                   absl::Span<const absl::string_view> groups) {
  return authorizer_.Check({peer, call, client_id, groups});
}

void AdminHandler::FillChannel(const ClientChannel& channel,
                               pb::Channel* message) {
  message->set_channel_id(channel.id());
  message->set_remote_address(std::string(channel.remote_address()));
  message->set_stream(channel.kind() == ClientChannel::Kind::kStream);
  message->set_writable(channel.writable());
  FillTimestamp(clock_.ClockToWall(channel.opened_at()),
                message->mutable_opened_at());
  FillTimestamp(clock_.ClockToWall(channel.last_heard()),
                message->mutable_last_heard_at());
}

CallStatus AdminHandler::QueryTopicConsumeByWho(
    absl::string_view peer, absl::Time /*now*/,
    const pb::QueryTopicConsumeByWhoRequest& request,
    pb::QueryTopicConsumeByWhoResponse* response) {
  CallStatus status = Authorize(peer, "QueryTopicConsumeByWho", "", {});
  if (!status.ok()) return status;
  status = FromStatus(ValidateTopic("topic", request.topic(), limits_));
  if (!status.ok()) return status;
  size_t max = 0;
  status = ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!status.ok()) return status;
  std::vector<std::string> groups = ListPage(
      request.page_token(), max,
      [&](absl::string_view after, size_t most) {
        return table_.GroupsOfTopic(request.topic(), after, most);
      },
      [](const std::string& name) { return name; },
      response->mutable_next_page_token());
  for (std::string& group : groups) response->add_groups(std::move(group));
  return {};
}

// A page token is "CURSOR" of the members of the group behind it, then '@',
// then the group's name; without a cursor the page goes on behind that group.
CallStatus AdminHandler::GetAllProducerInfo(
    absl::string_view peer, absl::Time /*now*/,
    const pb::GetAllProducerInfoRequest& request,
    pb::GetAllProducerInfoResponse* response) {
  const CallStatus allowed = Authorize(peer, "GetAllProducerInfo", "", {});
  if (!allowed.ok()) return allowed;
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());

  std::string group;
  MemberCursor cursor = 0;
  if (!request.page_token().empty()) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(request.page_token(), absl::MaxSplits('@', 1));
    if (!absl::SimpleAtoi(parts.first, &cursor) || parts.second.empty()) {
      return BadForm(absl::StrCat(
          "page_token must be a next_page_token of this method, got ",
          Quoted(request.page_token())));
    }
    group = std::string(parts.second);
  }
  size_t room = *page_size;
  while (true) {
    if (cursor == 0) {  // `group` is done: the next one.
      const std::vector<ProducerGroupInfo> next =
          table_.ListProducerGroups(group, 1);
      if (next.empty()) return {};
      if (room == 0) {
        response->set_next_page_token(absl::StrCat(0, "@", group));
        return {};
      }
      group = next.front().group;
    }
    for (const MemberInfo& member :
         table_.ListMembers(GroupKind::kProducer, group, room, &cursor)) {
      pb::ProducerInfo* const producer = response->add_producers();
      producer->set_group(group);
      FillConnection(member, clock_, producer->mutable_connection());
      --room;
    }
    if (cursor != 0) {
      response->set_next_page_token(absl::StrCat(cursor, "@", group));
      return {};
    }
  }
}

CallStatus AdminHandler::GetGroupOnline(
    absl::string_view peer, absl::Time /*now*/,
    const pb::GetGroupOnlineRequest& request,
    pb::GetGroupOnlineResponse* response) {
  CallStatus status = Authorize(peer, "GetGroupOnline", "", {request.group()});
  if (!status.ok()) return status;
  status = FromStatus(ValidateGroup("group", request.group(), limits_));
  if (!status.ok()) return status;
  response->set_producer(table_.FindProducerGroup(request.group()).has_value());
  response->set_consumer(table_.FindConsumerGroup(request.group()).has_value());
  return {};
}

CallStatus AdminHandler::FindConsumerChannel(
    absl::string_view peer, absl::Time /*now*/,
    const pb::FindConsumerChannelRequest& request,
    pb::FindConsumerChannelResponse* response) {
  CallStatus status = Authorize(peer, "FindConsumerChannel",
                                request.client_id(), {request.group()});
  if (!status.ok()) return status;
  status = FromStatus(ValidateGroup("group", request.group(), limits_));
  if (!status.ok()) return status;
  status =
      FromStatus(ValidateClientId("client_id", request.client_id(), limits_));
  if (!status.ok()) return status;
  const ClientChannelPtr channel =
      table_.FindConsumerChannel(request.group(), request.client_id());
  if (channel == nullptr) {
    return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
            absl::StrCat("client ", Quoted(request.client_id()),
                         " has no channel in consumer group ",
                         Quoted(request.group()))};
  }
  FillChannel(*channel, response->mutable_channel());
  return {};
}

CallStatus AdminHandler::FindProducerChannel(
    absl::string_view peer, absl::Time /*now*/,
    const pb::FindProducerChannelRequest& request,
    pb::FindProducerChannelResponse* response) {
  CallStatus status =
      Authorize(peer, "FindProducerChannel", request.client_id(), {});
  if (!status.ok()) return status;
  status =
      FromStatus(ValidateClientId("client_id", request.client_id(), limits_));
  if (!status.ok()) return status;
  const ClientChannelPtr channel =
      table_.FindProducerChannel(request.client_id());
  if (channel == nullptr) {
    return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
            absl::StrCat("client ", Quoted(request.client_id()),
                         " is in no producer group")};
  }
  FillChannel(*channel, response->mutable_channel());
  return {};
}

CallStatus AdminHandler::GetAvailableProducerChannel(
    absl::string_view peer, absl::Time /*now*/,
    const pb::GetAvailableProducerChannelRequest& request,
    pb::GetAvailableProducerChannelResponse* response) {
  CallStatus status =
      Authorize(peer, "GetAvailableProducerChannel", "", {request.group()});
  if (!status.ok()) return status;
  status = FromStatus(ValidateGroup("group", request.group(), limits_));
  if (!status.ok()) return status;
  const ClientChannelPtr channel =
      table_.NextAvailableProducer(request.group());
  if (channel == nullptr) {
    return NoSuchGroup(GroupKind::kProducer, request.group());
  }
  FillChannel(*channel, response->mutable_channel());
  return {};
}

CallStatus AdminHandler::FindSubscription(
    absl::string_view peer, absl::Time /*now*/,
    const pb::FindSubscriptionRequest& request,
    pb::FindSubscriptionResponse* response) {
  CallStatus status =
      Authorize(peer, "FindSubscription", "", {request.group()});
  if (!status.ok()) return status;
  status = FromStatus(ValidateGroup("group", request.group(), limits_));
  if (!status.ok()) return status;
  status = FromStatus(ValidateTopic("topic", request.topic(), limits_));
  if (!status.ok()) return status;
  const absl::optional<SubscriptionData> subscription =
      table_.FindSubscription(request.group(), request.topic());
  if (!subscription.has_value()) {
    return {
        absl::StatusCode::kNotFound, ResponseCode::kSystemError,
        absl::StrCat("consumer group ", Quoted(request.group()),
                     " does not subscribe to topic ", Quoted(request.topic()))};
  }
  FillSubscription(request.topic(), *subscription,
                   response->mutable_subscription());
  return {};
}

CallStatus AdminHandler::ListSubscriptionGroups(
    absl::string_view peer, absl::Time /*now*/,
    const pb::ListSubscriptionGroupsRequest& request,
    pb::ListSubscriptionGroupsResponse* response) {
  CallStatus status = Authorize(peer, "ListSubscriptionGroups", "", {});
  if (!status.ok()) return status;
  size_t max = 0;
  status = ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!status.ok()) return status;
  const std::vector<SubscriptionGroupConfig> configs = ListPage(
      request.page_token(), max,
      [this](absl::string_view after, size_t most) {
        return policy_.ListSubscriptionGroups(after, most);
      },
      [](const SubscriptionGroupConfig& config) { return config.group; },
      response->mutable_next_page_token());
  for (const SubscriptionGroupConfig& config : configs) {
    pb::SubscriptionGroup* const message = response->add_subscription_groups();
    message->set_group(config.group);
    message->set_notify_consumer_ids_changed_enable(
        config.notify_consumer_ids_changed_enable);
    message->set_retry_queue_nums(config.retry_queue_nums);
    message->set_members_are_told(notifies_ &&
                                  config.notify_consumer_ids_changed_enable);
  }
  return {};
}

CallStatus AdminHandler::ListTopics(absl::string_view peer, absl::Time /*now*/,
                                    const pb::ListTopicsRequest& request,
                                    pb::ListTopicsResponse* response) {
  CallStatus status = Authorize(peer, "ListTopics", "", {});
  if (!status.ok()) return status;
  size_t max = 0;
  status = ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!status.ok()) return status;
  const std::vector<TopicConfig> topics = ListPage(
      request.page_token(), max,
      [this](absl::string_view after, size_t most) {
        return policy_.ListTopics(after, most);
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

CallStatus AdminHandler::ExplainGroup(absl::string_view peer,
                                      absl::Time /*now*/,
                                      const pb::ExplainGroupRequest& request,
                                      pb::ExplainGroupResponse* response) {
  const std::string& name = request.group();
  CallStatus status = Authorize(peer, "ExplainGroup", "", {name});
  if (!status.ok()) return status;
  status = FromStatus(ValidateGroup("group", name, limits_));
  if (!status.ok()) return status;

  int64_t streams = 0;
  int64_t unary_channels = 0;
  MemberCursor cursor = 0;
  std::vector<ClientChannelPtr> channels;
  do {
    channels.clear();
    table_.ListChannels(name, ClientTable::kMaxPiece, &cursor, &channels);
    for (const ClientChannelPtr& channel : channels) {
      ++(channel->kind() == ClientChannel::Kind::kStream ? streams
                                                         : unary_channels);
    }
  } while (cursor != 0);
  response->set_consumer_streams(streams);
  response->set_consumer_unary_channels(unary_channels);
  if (const auto producers = table_.FindProducerGroup(name)) {
    response->set_producer_channels(static_cast<int64_t>(producers->channels));
  }
  if (streams + unary_channels == 0) {
    response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_NOBODY);
  }
  if (!notifies_) {
    response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_BROKER_SWITCH);
  }
  if (const auto config = policy_.FindSubscriptionGroup(name)) {
    response->set_has_config(true);
    if (!config->notify_consumer_ids_changed_enable) {
      response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_GROUP_SWITCH);
    }
  }
  if (const auto group = table_.FindConsumerGroup(name)) {
    response->set_message_model(
        static_cast<pb::MessageModel>(group->modes.message_model));
    if (group->modes.message_model == MessageModel::kBroadcasting) {
      response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_BROADCASTING);
    }
  }
  if (streams == 0 && unary_channels > 0) {
    response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_UNARY_MEMBERS);
  }
  for (const SkippedClient& client :
       policy_.skipped().Of(name, kMostSkippedClients)) {
    pb::SkippedClient* const message = response->add_skipped();
    message->set_client_id(client.client_id);
    message->set_producer(client.kind == GroupKind::kProducer);
    message->set_reason(static_cast<pb::SkippedGroup::Reason>(client.reason));
    message->set_message(Explain({name, client.kind, client.reason}));
    FillTimestamp(clock_.ClockToWall(client.last), message->mutable_last_at());
    message->set_times(client.times);
  }
  return {};
}

CallStatus AdminHandler::GetPolicy(absl::string_view peer, absl::Time /*now*/,
                                   const pb::GetPolicyRequest& /*request*/,
                                   pb::GetPolicyResponse* response) {
  const CallStatus allowed = Authorize(peer, "GetPolicy", "", {});
  if (!allowed.ok()) return allowed;
  const GroupPolicy::Options& options = policy_.options();
  response->set_auto_create_subscription_group(
      options.auto_create_subscription_group);
  response->set_max_auto_created_groups(options.max_auto_created_groups);
  response->set_enable_property_filter(options.enable_property_filter);
  response->set_enable_register_producer(options.enable_register_producer);
  response->set_reject_pull_consumer_enable(
      options.reject_pull_consumer_enable);
  response->set_notify_consumer_ids_changed_enable(notifies_);
  return {};
}

}  // namespace rmq
