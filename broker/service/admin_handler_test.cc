#include "broker/service/admin_handler.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/policy/group_policy.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/service/recording_authorizer.h"
#include "common/response_code.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kPeer[] = "192.0.2.1:50001";

MATCHER(IsSuccess, "") {
  *result_listener << arg.message;
  return arg.ok() && arg.response_code == ResponseCode::kSuccess;
}
MATCHER_P2(FailsWith, code, message, "") {
  *result_listener << absl::StatusCodeToString(arg.code) << ": " << arg.message;
  return arg.code == code && arg.response_code == ResponseCode::kSystemError &&
         ::testing::ExplainMatchResult(message, arg.message, result_listener);
}
template <typename Message>
auto BadFormWith(Message message) {
  return FailsWith(absl::StatusCode::kInvalidArgument, message);
}
template <typename Message>
auto NotFoundWith(Message message) {
  return FailsWith(absl::StatusCode::kNotFound, message);
}

GroupPolicy::Options PolicyWithTopics() {
  GroupPolicy::Options options;
  options.reject_pull_consumer_enable = true;
  options.max_auto_created_groups = 12;
  for (const char* name : {"a-topic", "b-topic", "c-topic"}) {
    TopicConfig topic;
    topic.topic = name;
    topic.read_queue_nums = 8;
    options.topics.push_back(topic);
    SubscriptionGroupConfig group;
    group.group = absl::StrCat(name, "-readers");
    group.retry_queue_nums = 2;
    options.subscription_groups.push_back(group);
  }
  return options;
}

class AdminHandlerTest : public ClientTableFixture {
 protected:
  explicit AdminHandlerTest(const CallStatus& gate = {})
      : authorizer_(gate),
        policy_(PolicyWithTopics(),
                [this](absl::string_view group) {
                  return table_.FindConsumerGroup(group).has_value();
                }),
        handler_(Limits(), &table_, &policy_, /*notifies=*/true, &clock_,
                 &authorizer_) {}

  template <typename Request, typename Response>
  using Method = CallStatus (AdminHandler::*)(absl::string_view, absl::Time,
                                              const Request&, Response*);

  template <typename Request, typename Response>
  CallStatus Call(Method<Request, Response> method, const Request& request,
                  Response* response) {
    response->Clear();
    return (handler_.*method)(kPeer, now_, request, response);
  }
  // Where the answer does not matter.
  template <typename Request, typename Response>
  CallStatus Call(Method<Request, Response> method, const Request& request) {
    Response response;
    return Call(method, request, &response);
  }

  // All pages of two, each read by `read`; the number of pages.
  template <typename Request, typename Response, typename Read>
  int ReadPages(Method<Request, Response> method, Request request, Read read) {
    request.set_page_size(2);
    int pages = 0;
    do {
      Response response;
      EXPECT_THAT(Call(method, request, &response), IsSuccess());
      read(response);
      request.set_page_token(response.next_page_token());
      ++pages;
    } while (!request.page_token().empty());
    return pages;
  }

  // Refuses page sizes and tokens that are none.
  template <typename Request, typename Response>
  void ExpectPagesAreChecked(Method<Request, Response> method,
                             Request request) {
    for (int page_size : {-1, 1001}) {
      request.set_page_size(page_size);
      EXPECT_THAT(Call(method, request),
                  BadFormWith(absl::StrCat("page_size must be 0 to 1000, got ",
                                           page_size)));
    }
    request.set_page_size(1000);
    request.set_page_token("no token");
    EXPECT_THAT(Call(method, request),
                BadFormWith(HasSubstr("page_token must be a next_page_token of "
                                      "this method, got \"no token\"")));
  }

  RecordingAuthorizer authorizer_;
  SimulatedClock clock_;
  GroupPolicy policy_;
  AdminHandler handler_;
};

TEST_F(AdminHandlerTest, GroupsAreListedByNameAndPaged) {
  for (const char* group : {"d", "b", "a", "c"}) {
    Connect(Stated(absl::StrCat("client-", group)).Producer(group));
  }
  pb::ListGroupsRequest request;
  request.set_kind(pb::GROUP_KIND_PRODUCER);
  std::vector<std::string> names;
  // The last page is full, and known to be the last.
  EXPECT_EQ(ReadPages(&AdminHandler::ListGroups, request,
                      [&](const pb::ListGroupsResponse& page) {
                        for (const auto& group : page.groups()) {
                          names.push_back(group.group());
                          EXPECT_EQ(group.channels(), 1);
                        }
                      }),
            2);
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d"));
}

TEST_F(AdminHandlerTest, AConsumerGroupIsSummedUp) {
  Connect(Stated("c1").Consumer("orders", {{"a"}, {"b"}}));
  Connect(Stated("c2").Consumer("orders", {{"a"}, {"b"}}));
  pb::ListGroupsRequest request;
  request.set_kind(pb::GROUP_KIND_CONSUMER);
  pb::ListGroupsResponse response;
  ASSERT_THAT(Call(&AdminHandler::ListGroups, request, &response), IsSuccess());
  ASSERT_EQ(response.groups_size(), 1);
  EXPECT_EQ(response.groups(0).group(), "orders");
  EXPECT_EQ(response.groups(0).channels(), 2);
  EXPECT_EQ(response.groups(0).subscriptions(), 2);
  EXPECT_EQ(response.groups(0).message_model(), pb::MESSAGE_MODEL_CLUSTERING);
  EXPECT_EQ(response.groups(0).consume_type(),
            pb::CONSUME_TYPE_CONSUME_PASSIVELY);
}

TEST_F(AdminHandlerTest, AGroupKindThatIsNoneIsRefused) {
  pb::ListGroupsRequest request;
  EXPECT_THAT(Call(&AdminHandler::ListGroups, request),
              BadFormWith(HasSubstr("GROUP_KIND_CONSUMER, got 0")));
  request.set_kind(static_cast<pb::GroupKind>(3));
  EXPECT_THAT(Call(&AdminHandler::ListGroups, request),
              BadFormWith(HasSubstr("GROUP_KIND_CONSUMER, got 3")));
  request.set_kind(pb::GROUP_KIND_PRODUCER);
  ExpectPagesAreChecked(&AdminHandler::ListGroups, request);
}

TEST_F(AdminHandlerTest, ConnectionsOfAConsumerGroupArePagedInOrderOfOpening) {
  for (int i = 0; i < 5; ++i) {
    Connect(Stated(absl::StrCat("c", i)).Consumer("orders", {{"b"}, {"a"}}));
  }
  pb::GetConsumerConnectionListRequest request;
  request.set_group("orders");
  std::vector<std::string> client_ids;
  std::vector<std::string> topics;
  EXPECT_EQ(ReadPages(&AdminHandler::GetConsumerConnectionList, request,
                      [&](const pb::GetConsumerConnectionListResponse& page) {
                        for (const auto& connection : page.connections()) {
                          client_ids.push_back(connection.client_id());
                        }
                        for (const auto& subscription : page.subscriptions()) {
                          topics.push_back(subscription.topic());
                        }
                        EXPECT_EQ(page.message_model(),
                                  pb::MESSAGE_MODEL_CLUSTERING);
                      }),
            3);
  EXPECT_THAT(client_ids, ElementsAre("c0", "c1", "c2", "c3", "c4"));
  EXPECT_THAT(topics, ElementsAre("a", "b"));  // On the first page only.
}

TEST_F(AdminHandlerTest, ConnectionsOfAProducerGroupArePaged) {
  for (int i = 0; i < 3; ++i) {
    Connect(Stated(absl::StrCat("c", i)).Producer("payments"));
  }
  pb::GetProducerConnectionListRequest request;
  request.set_group("payments");
  std::vector<std::string> client_ids;
  EXPECT_EQ(ReadPages(&AdminHandler::GetProducerConnectionList, request,
                      [&](const pb::GetProducerConnectionListResponse& page) {
                        for (const auto& connection : page.connections()) {
                          client_ids.push_back(connection.client_id());
                        }
                      }),
            2);
  EXPECT_THAT(client_ids, ElementsAre("c0", "c1", "c2"));
}

TEST_F(AdminHandlerTest, ConnectionsAreAskedForByAGroupThatIsRegistered) {
  Connect(Stated("c1").Producer("payments").Consumer("orders"));
  pb::GetConsumerConnectionListRequest consumer;
  EXPECT_THAT(Call(&AdminHandler::GetConsumerConnectionList, consumer),
              BadFormWith("group must not be empty"));
  consumer.set_group(std::string(121, 'x'));
  EXPECT_THAT(Call(&AdminHandler::GetConsumerConnectionList, consumer),
              BadFormWith(StartsWith("group must be at most 120 bytes")));
  consumer.set_group("payments");
  EXPECT_THAT(Call(&AdminHandler::GetConsumerConnectionList, consumer),
              NotFoundWith(HasSubstr("\"payments\"")));
  pb::GetProducerConnectionListRequest producer;
  producer.set_group("orders");
  EXPECT_THAT(Call(&AdminHandler::GetProducerConnectionList, producer),
              NotFoundWith(HasSubstr("\"orders\"")));
  consumer.set_group("orders");
  ExpectPagesAreChecked(&AdminHandler::GetConsumerConnectionList, consumer);
}

TEST_F(AdminHandlerTest, GroupsOfATopicArePagedAndNoneIsNoError) {
  for (const char* group : {"a", "b", "c", "d"}) {
    Connect(Stated(group).Consumer(group, {{"topic"}}));
  }
  pb::QueryTopicConsumeByWhoRequest request;
  request.set_topic("topic");
  std::vector<std::string> groups;
  EXPECT_EQ(ReadPages(&AdminHandler::QueryTopicConsumeByWho, request,
                      [&](const pb::QueryTopicConsumeByWhoResponse& page) {
                        groups.insert(groups.end(), page.groups().begin(),
                                      page.groups().end());
                      }),
            2);
  EXPECT_THAT(groups, ElementsAre("a", "b", "c", "d"));

  ExpectPagesAreChecked(&AdminHandler::QueryTopicConsumeByWho, request);
  request.set_topic("unknown");
  pb::QueryTopicConsumeByWhoResponse response;
  EXPECT_THAT(Call(&AdminHandler::QueryTopicConsumeByWho, request, &response),
              IsSuccess());
  EXPECT_EQ(response.groups_size(), 0);
  request.set_topic("a b");
  EXPECT_THAT(Call(&AdminHandler::QueryTopicConsumeByWho, request),
              BadFormWith(StartsWith("topic must be letters")));
}

TEST_F(AdminHandlerTest, TheWholeProducerTableIsPagedAcrossGroups) {
  Connect(Stated("c1").Producer("a").Producer("b"));
  Connect(Stated("c2").Producer("a").Producer("c"));
  Connect(Stated("c3").Producer("a").Producer("c"));
  const auto read_all = [this](int page_size) {
    std::vector<std::string> all;
    pb::GetAllProducerInfoRequest request;
    request.set_page_size(page_size);
    do {
      pb::GetAllProducerInfoResponse page;
      EXPECT_THAT(Call(&AdminHandler::GetAllProducerInfo, request, &page),
                  IsSuccess());
      EXPECT_LE(page.producers_size(), page_size);
      EXPECT_GT(page.producers_size(), 0);
      for (const pb::ProducerInfo& producer : page.producers()) {
        all.push_back(absl::StrCat(producer.group(), ":",
                                   producer.connection().client_id()));
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return all;
  };
  for (int page_size : {1, 2, 3, 4, 5, 6, 7, 1000}) {
    EXPECT_THAT(read_all(page_size),
                ElementsAre("a:c1", "a:c2", "a:c3", "b:c1", "c:c2", "c:c3"))
        << page_size;
  }
}

TEST_F(AdminHandlerTest, WhatIsBehindTheLargestPageIsOnTheNext) {
  Stated stated("c1");
  constexpr int kGroups = 1001;
  for (int i = 0; i < kGroups; ++i) {
    stated.Consumer(absl::StrCat("g", i), {{"t"}});
    stated.Producer(absl::StrCat("g", i));
  }
  Connect(stated);
  for (const pb::GroupKind kind :
       {pb::GROUP_KIND_PRODUCER, pb::GROUP_KIND_CONSUMER}) {
    pb::ListGroupsRequest request;
    request.set_kind(kind);
    pb::ListGroupsResponse page;
    EXPECT_THAT(Call(&AdminHandler::ListGroups, request, &page), IsSuccess());
    EXPECT_EQ(page.groups_size(), kGroups - 1);
    request.set_page_token(page.next_page_token());
    EXPECT_NE(request.page_token(), "");
    EXPECT_THAT(Call(&AdminHandler::ListGroups, request, &page), IsSuccess());
    EXPECT_EQ(page.groups_size(), 1);
    EXPECT_EQ(page.next_page_token(), "");
  }
  pb::QueryTopicConsumeByWhoRequest request;
  request.set_topic("t");
  pb::QueryTopicConsumeByWhoResponse page;
  Call(&AdminHandler::QueryTopicConsumeByWho, request, &page);
  EXPECT_EQ(page.groups_size(), kGroups - 1);
  request.set_page_token(page.next_page_token());
  EXPECT_NE(request.page_token(), "");
  Call(&AdminHandler::QueryTopicConsumeByWho, request, &page);
  EXPECT_EQ(page.groups_size(), 1);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(AdminHandlerTest, TheProducerTableGoesOnBehindAGroupThatHasGone) {
  const auto gone = Connect(Stated("c1").Producer("a"));
  const auto stays = Connect(Stated("c2").Producer("a"));
  Connect(Stated("c3").Producer("b"));
  pb::GetAllProducerInfoRequest request;
  request.set_page_size(1);
  pb::GetAllProducerInfoResponse page;
  ASSERT_THAT(Call(&AdminHandler::GetAllProducerInfo, request, &page),
              IsSuccess());
  table_.Close(*gone, RemovalReason::kDisconnected);
  table_.Close(*stays, RemovalReason::kDisconnected);
  request.set_page_token(page.next_page_token());
  ASSERT_THAT(Call(&AdminHandler::GetAllProducerInfo, request, &page),
              IsSuccess());
  ASSERT_EQ(page.producers_size(), 1);
  EXPECT_EQ(page.producers(0).connection().client_id(), "c3");
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(AdminHandlerTest, PagesOfTheProducerTableAreChecked) {
  ExpectPagesAreChecked(&AdminHandler::GetAllProducerInfo, {});
  for (const char* token : {"@", "1@", "@a", "x@a", "-1@a", "1"}) {
    pb::GetAllProducerInfoRequest request;
    request.set_page_token(token);
    EXPECT_THAT(Call(&AdminHandler::GetAllProducerInfo, request),
                BadFormWith(StartsWith("page_token must be")))
        << token;
  }
}

TEST_F(AdminHandlerTest, AGroupIsOnlineAsWhatItIsRegisteredAs) {
  Connect(Stated("c1").Producer("payments").Consumer("orders"));
  pb::GetGroupOnlineRequest request;
  pb::GetGroupOnlineResponse response;
  request.set_group("payments");
  ASSERT_THAT(Call(&AdminHandler::GetGroupOnline, request, &response),
              IsSuccess());
  EXPECT_TRUE(response.producer());
  EXPECT_FALSE(response.consumer());
  request.set_group("orders");
  Call(&AdminHandler::GetGroupOnline, request, &response);
  EXPECT_FALSE(response.producer());
  EXPECT_TRUE(response.consumer());
  request.set_group("unknown");
  EXPECT_THAT(Call(&AdminHandler::GetGroupOnline, request, &response),
              IsSuccess());
  EXPECT_FALSE(response.producer() || response.consumer());
  request.clear_group();
  EXPECT_THAT(Call(&AdminHandler::GetGroupOnline, request),
              BadFormWith("group must not be empty"));
}

TEST_F(AdminHandlerTest, ChannelsAreFoundAndDescribed) {
  const FakeClientChannelPtr channel =
      Connect(Stated("c1").Producer("payments").Consumer("orders"));
  channel->set_writable(false);
  pb::FindConsumerChannelRequest consumer;
  consumer.set_group("orders");
  consumer.set_client_id("c1");
  pb::FindConsumerChannelResponse found;
  ASSERT_THAT(Call(&AdminHandler::FindConsumerChannel, consumer, &found),
              IsSuccess());
  EXPECT_EQ(found.channel().channel_id(), channel->id());
  EXPECT_EQ(found.channel().remote_address(), "127.0.0.1:50001");
  EXPECT_TRUE(found.channel().stream());
  EXPECT_FALSE(found.channel().writable());
  EXPECT_EQ(found.channel().opened_at().seconds(), 1'000'000);

  pb::FindProducerChannelRequest producer;
  producer.set_client_id("c1");
  EXPECT_THAT(Call(&AdminHandler::FindProducerChannel, producer), IsSuccess());
  pb::GetAvailableProducerChannelRequest available;
  available.set_group("payments");
  pb::GetAvailableProducerChannelResponse next;
  EXPECT_THAT(
      Call(&AdminHandler::GetAvailableProducerChannel, available, &next),
      IsSuccess());
  EXPECT_EQ(next.channel().channel_id(), channel->id());
}

TEST_F(AdminHandlerTest, AChannelThatIsNotThereIsNotFoundAndBadFormIsSaid) {
  pb::FindConsumerChannelRequest consumer;
  consumer.set_group("orders");
  EXPECT_THAT(Call(&AdminHandler::FindConsumerChannel, consumer),
              BadFormWith("client_id must not be empty"));
  consumer.set_client_id("c1");
  EXPECT_THAT(Call(&AdminHandler::FindConsumerChannel, consumer),
              NotFoundWith(HasSubstr("\"orders\"")));
  consumer.clear_group();
  EXPECT_THAT(Call(&AdminHandler::FindConsumerChannel, consumer),
              BadFormWith("group must not be empty"));

  pb::FindProducerChannelRequest producer;
  EXPECT_THAT(Call(&AdminHandler::FindProducerChannel, producer),
              BadFormWith("client_id must not be empty"));
  producer.set_client_id("c1");
  EXPECT_THAT(Call(&AdminHandler::FindProducerChannel, producer),
              NotFoundWith(HasSubstr("\"c1\"")));

  pb::GetAvailableProducerChannelRequest available;
  EXPECT_THAT(Call(&AdminHandler::GetAvailableProducerChannel, available),
              BadFormWith("group must not be empty"));
  available.set_group("payments");
  EXPECT_THAT(Call(&AdminHandler::GetAvailableProducerChannel, available),
              NotFoundWith(HasSubstr("\"payments\"")));
}

TEST_F(AdminHandlerTest, ASubscriptionIsFoundAsItWasStated) {
  Connect(Stated("c1").Consumer("orders", {{"topic", 7, "a > 1", "SQL92"}}));
  pb::FindSubscriptionRequest request;
  request.set_group("orders");
  request.set_topic("topic");
  pb::FindSubscriptionResponse response;
  ASSERT_THAT(Call(&AdminHandler::FindSubscription, request, &response),
              IsSuccess());
  EXPECT_EQ(response.subscription().topic(), "topic");
  EXPECT_EQ(response.subscription().expression(), "a > 1");
  EXPECT_EQ(response.subscription().expression_type(), "SQL92");
  EXPECT_EQ(response.subscription().sub_version(), 7);
  request.set_topic("unknown");
  EXPECT_THAT(Call(&AdminHandler::FindSubscription, request),
              NotFoundWith(HasSubstr("\"unknown\"")));
  request.clear_topic();
  EXPECT_THAT(Call(&AdminHandler::FindSubscription, request),
              BadFormWith("topic must not be empty"));
}

TEST_F(AdminHandlerTest, ConfigsAndTopicsOfThePolicyArePaged) {
  std::vector<std::string> names;
  EXPECT_EQ(ReadPages(&AdminHandler::ListSubscriptionGroups,
                      pb::ListSubscriptionGroupsRequest(),
                      [&](const pb::ListSubscriptionGroupsResponse& page) {
                        for (const auto& group : page.subscription_groups()) {
                          names.push_back(group.group());
                          EXPECT_EQ(group.retry_queue_nums(), 2);
                        }
                      }),
            2);
  EXPECT_THAT(names, ElementsAre("a-topic-readers", "b-topic-readers",
                                 "c-topic-readers"));
  names.clear();
  EXPECT_EQ(ReadPages(&AdminHandler::ListTopics, pb::ListTopicsRequest(),
                      [&](const pb::ListTopicsResponse& page) {
                        for (const auto& topic : page.topics()) {
                          names.push_back(topic.topic());
                          EXPECT_EQ(topic.read_queue_nums(), 8);
                        }
                      }),
            2);
  EXPECT_THAT(names, ElementsAre("a-topic", "b-topic", "c-topic"));
  ExpectPagesAreChecked(&AdminHandler::ListSubscriptionGroups, {});
  ExpectPagesAreChecked(&AdminHandler::ListTopics, {});
}

TEST_F(AdminHandlerTest, ThePolicysSwitchesAreTold) {
  pb::GetPolicyResponse response;
  ASSERT_THAT(Call(&AdminHandler::GetPolicy, pb::GetPolicyRequest(), &response),
              IsSuccess());
  EXPECT_TRUE(response.auto_create_subscription_group());
  EXPECT_EQ(response.max_auto_created_groups(), 12);
  EXPECT_TRUE(response.enable_property_filter());
  EXPECT_TRUE(response.enable_register_producer());
  EXPECT_TRUE(response.reject_pull_consumer_enable());
  EXPECT_TRUE(response.notify_consumer_ids_changed_enable());
}

using Why = pb::ExplainGroupResponse;

TEST_F(AdminHandlerTest, AGroupOfStreamsIsToldUnlessASwitchOrItsModelSaysNo) {
  pb::ExplainGroupRequest request;
  request.set_group("orders");
  Why why;
  ASSERT_THAT(Call(&AdminHandler::ExplainGroup, request, &why), IsSuccess());
  EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_NOBODY));
  EXPECT_FALSE(why.has_config());

  Connect(Stated("c1").Consumer("orders"));
  Connect(Stated("c2").Consumer("orders").Producer("orders"));
  policy_.EnsureConfig("orders");
  Call(&AdminHandler::ExplainGroup, request, &why);
  EXPECT_THAT(why.obstacles(), IsEmpty());
  EXPECT_EQ(why.consumer_streams(), 2);
  EXPECT_EQ(why.consumer_unary_channels(), 0);
  EXPECT_EQ(why.producer_channels(), 1);
  EXPECT_EQ(why.message_model(), pb::MESSAGE_MODEL_CLUSTERING);
  EXPECT_TRUE(why.has_config());

  Connect(Stated("c3").Consumer("orders").Model(MessageModel::kBroadcasting));
  Call(&AdminHandler::ExplainGroup, request, &why);
  EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_BROADCASTING));
}

TEST_F(AdminHandlerTest, AGroupOfUnaryClientsIsToldNothing) {
  Register(*StandIn("c1"), Stated("c1").Consumer("orders"));
  pb::ExplainGroupRequest request;
  request.set_group("orders");
  Why why;
  Call(&AdminHandler::ExplainGroup, request, &why);
  EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_UNARY_MEMBERS));
  EXPECT_EQ(why.consumer_unary_channels(), 1);
  Connect(Stated("c2").Consumer("orders"));
  Call(&AdminHandler::ExplainGroup, request, &why);
  EXPECT_THAT(why.obstacles(), IsEmpty());
}

TEST_F(AdminHandlerTest, ASwitchThatIsOffIsNamedAndShownInForce) {
  GroupPolicy::Options options;
  options.subscription_groups.resize(2);
  options.subscription_groups[0].group = "loud";
  options.subscription_groups[1].group = "quiet";
  options.subscription_groups[1].notify_consumer_ids_changed_enable = false;
  const GroupPolicy policy(options, [](absl::string_view) { return true; });
  Connect(Stated("c1").Consumer("loud").Consumer("quiet"));
  for (const bool notifies : {true, false}) {
    AdminHandler handler(Limits(), &table_, &policy, notifies, &clock_,
                         &authorizer_);
    pb::ListSubscriptionGroupsResponse groups;
    handler.ListSubscriptionGroups(kPeer, now_, {}, &groups);
    EXPECT_EQ(groups.subscription_groups(0).members_are_told(), notifies);
    EXPECT_FALSE(groups.subscription_groups(1).members_are_told());
    pb::GetPolicyResponse switches;
    handler.GetPolicy(kPeer, now_, {}, &switches);
    EXPECT_EQ(switches.notify_consumer_ids_changed_enable(), notifies);

    pb::ExplainGroupRequest request;
    request.set_group("quiet");
    Why why;
    handler.ExplainGroup(kPeer, now_, request, &why);
    if (notifies) {
      EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_GROUP_SWITCH));
    } else {
      EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_BROKER_SWITCH,
                                               Why::OBSTACLE_GROUP_SWITCH));
    }
  }
}

TEST_F(AdminHandlerTest, WhoWasPassedOverLatelyIsNamedWithTheReason) {
  policy_.skipped().Note(GroupKind::kConsumer, "orders", "a",
                         SkipReason::kNoSuchGroup, clock_.TimeNow());
  policy_.skipped().Note(GroupKind::kProducer, "orders", "b",
                         SkipReason::kProducerRejected, clock_.TimeNow());
  pb::ExplainGroupRequest request;
  request.set_group("orders");
  Why why;
  Call(&AdminHandler::ExplainGroup, request, &why);
  ASSERT_EQ(why.skipped_size(), 2);
  EXPECT_EQ(why.skipped(0).client_id(), "b");
  EXPECT_TRUE(why.skipped(0).producer());
  const pb::SkippedClient& consumer = why.skipped(1);
  EXPECT_EQ(consumer.client_id(), "a");
  EXPECT_FALSE(consumer.producer());
  EXPECT_EQ(consumer.reason(), pb::SkippedGroup::REASON_NO_SUCH_GROUP);
  EXPECT_EQ(consumer.message(),
            "consumer group \"orders\" has no config, and this broker makes "
            "none automatically");
  EXPECT_EQ(consumer.times(), 1);
  EXPECT_EQ(consumer.last_at().seconds(),
            absl::ToUnixSeconds(clock_.ClockToWall(clock_.TimeNow())));
}

TEST_F(AdminHandlerTest, WhatIsNoGroupIsNotExplained) {
  EXPECT_THAT(Call(&AdminHandler::ExplainGroup, pb::ExplainGroupRequest()),
              BadFormWith("group must not be empty"));
}

}  // namespace
}  // namespace rmq
