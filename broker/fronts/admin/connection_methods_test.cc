#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

using ConnectionMethodsTest = AdminFixture;

TEST_F(ConnectionMethodsTest,
       ConnectionsOfAConsumerGroupArePagedInOrderOfOpening) {
  for (int i = 0; i < 5; ++i) {
    Connect(
        TestStatement(absl::StrCat("c", i)).Consumer("orders", {{"b"}, {"a"}}));
  }
  pb::GetConsumerConnectionListRequest request;
  request.set_group("orders");
  std::vector<std::string> client_ids;
  std::vector<std::string> topics;
  EXPECT_EQ(ReadPages<pb::GetConsumerConnectionListResponse>(
                request,
                [&](const pb::GetConsumerConnectionListResponse& page) {
                  for (const auto& connection : page.connections()) {
                    client_ids.push_back(connection.client_id());
                  }
                  for (const auto& subscription : page.subscriptions()) {
                    topics.push_back(subscription.topic());
                  }
                  EXPECT_EQ(page.message_model(), pb::MESSAGE_MODEL_CLUSTERING);
                }),
            3);
  EXPECT_THAT(client_ids, ElementsAre("c0", "c1", "c2", "c3", "c4"));
  EXPECT_THAT(topics, ElementsAre("a", "b"));  // On the first page only.
}

TEST_F(ConnectionMethodsTest, ConnectionsOfAProducerGroupArePaged) {
  for (int i = 0; i < 3; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Producer("payments"));
  }
  pb::GetProducerConnectionListRequest request;
  request.set_group("payments");
  std::vector<std::string> client_ids;
  EXPECT_EQ(ReadPages<pb::GetProducerConnectionListResponse>(
                request,
                [&](const pb::GetProducerConnectionListResponse& page) {
                  for (const auto& connection : page.connections()) {
                    client_ids.push_back(connection.client_id());
                  }
                }),
            2);
  EXPECT_THAT(client_ids, ElementsAre("c0", "c1", "c2"));
}

TEST_F(ConnectionMethodsTest, AConnectionHasTheLabelsOfItsChannel) {
  Connect(TestStatement("c1")
              .Consumer("orders")
              .Producer("payments")
              .Label("host", "h")
              .Label("zone", "z"));
  const auto expected =
      UnorderedElementsAre(Pair("host", "h"), Pair("zone", "z"));
  pb::GetConsumerConnectionListRequest consumer;
  consumer.set_group("orders");
  pb::GetConsumerConnectionListResponse consumers;
  ASSERT_THAT(Call(consumer, &consumers), IsSuccess());
  EXPECT_THAT(consumers.connections(0).labels(), expected);
  pb::GetProducerConnectionListRequest producer;
  producer.set_group("payments");
  pb::GetProducerConnectionListResponse producers;
  ASSERT_THAT(Call(producer, &producers), IsSuccess());
  EXPECT_THAT(producers.connections(0).labels(), expected);
}

TEST_F(ConnectionMethodsTest, ConnectionsAreAskedForByAGroupThatIsRegistered) {
  Connect(TestStatement("c1").Producer("payments").Consumer("orders"));
  pb::GetConsumerConnectionListRequest consumer;
  EXPECT_THAT(Call(consumer), BadFormWith("group must not be empty"));
  consumer.set_group(std::string(121, 'x'));
  EXPECT_THAT(Call(consumer),
              BadFormWith(StartsWith("group must be at most 120 bytes")));
  consumer.set_group("payments");
  EXPECT_THAT(Call(consumer), NotFoundWith(HasSubstr("\"payments\"")));
  pb::GetProducerConnectionListRequest producer;
  producer.set_group("orders");
  EXPECT_THAT(Call(producer), NotFoundWith(HasSubstr("\"orders\"")));
  consumer.set_group("orders");
  ExpectPagesAreChecked(consumer);
}

TEST_F(ConnectionMethodsTest, TheWholeProducerTableIsPagedAcrossGroups) {
  Connect(TestStatement("c1").Producer("a").Producer("b"));
  Connect(TestStatement("c2").Producer("a").Producer("c"));
  Connect(TestStatement("c3").Producer("a").Producer("c"));
  const auto read_all = [this](int page_size) {
    std::vector<std::string> all;
    pb::GetAllProducerInfoRequest request;
    request.set_page_size(page_size);
    do {
      pb::GetAllProducerInfoResponse page;
      EXPECT_THAT(Call(request, &page), IsSuccess());
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

TEST_F(ConnectionMethodsTest, TheProducerTableGoesOnBehindAGroupThatHasGone) {
  const auto gone = Connect(TestStatement("c1").Producer("a"));
  const auto stays = Connect(TestStatement("c2").Producer("a"));
  Connect(TestStatement("c3").Producer("b"));
  pb::GetAllProducerInfoRequest request;
  request.set_page_size(1);
  pb::GetAllProducerInfoResponse page;
  ASSERT_THAT(Call(request, &page), IsSuccess());
  table_.Close(*gone, RemovalReason::kDisconnected, clock_.TimeNow());
  table_.Close(*stays, RemovalReason::kDisconnected, clock_.TimeNow());
  request.set_page_token(page.next_page_token());
  ASSERT_THAT(Call(request, &page), IsSuccess());
  ASSERT_EQ(page.producers_size(), 1);
  EXPECT_EQ(page.producers(0).connection().client_id(), "c3");
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(ConnectionMethodsTest, PagesOfTheProducerTableAreChecked) {
  ExpectPagesAreChecked(pb::GetAllProducerInfoRequest());
  for (const char* token : {"@", "1@", "@a", "x@a", "-1@a", "1"}) {
    pb::GetAllProducerInfoRequest request;
    request.set_page_token(token);
    EXPECT_THAT(Call(request), BadFormWith(StartsWith("page_token must be")))
        << token;
  }
}

}  // namespace
}  // namespace rmq
