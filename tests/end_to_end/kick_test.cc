// Operators take clients out of a real broker, and these are kept out.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "client/client.h"
#include "client/client_options.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"
#include "tests/end_to_end/watching_client.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

class KickTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // No heartbeat is missed.
    auto broker =
        BrokerProcess::Start("127.0.0.1:0", {"--channel_expiry=120s"});
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }

  const std::string& address() const { return broker_->address(); }

  // How many were kicked.
  int64_t Kick(const pb::KickClientsRequest& request) const {
    const auto answer = AdminClient(address(), absl::Seconds(20))
                            .Ask<pb::KickClientsResponse>(request);
    EXPECT_THAT(answer, IsOk());
    return answer.ok() ? answer->kicked() : -1;
  }
  static pb::KickClientsRequest OfClient(const std::string& client_id,
                                         int64_t seconds) {
    pb::KickClientsRequest request;
    request.set_client_id(client_id);
    request.set_reason("too loud");
    request.mutable_retry_after()->set_seconds(seconds);
    return request;
  }

  // A stream that has joined its group.
  std::unique_ptr<RawStream> Join(const pb::HeartbeatRequest& heartbeat) const {
    auto stream = std::make_unique<RawStream>(address());
    EXPECT_TRUE(stream->Send(heartbeat));
    EXPECT_EQ(ReplyTo(*stream).status().code(), 0);
    return stream;
  }
  // The next reply, past pushes.
  static pb::Reply ReplyTo(RawStream& stream) {
    pb::BrokerFrame frame;
    while (stream.Receive(&frame)) {
      if (frame.has_reply()) return frame.reply();
    }
    ADD_FAILURE() << "the stream has ended";
    return {};
  }
  // The stream ends as that of a kicked client that is held off for up to so
  // many seconds.
  static void ExpectKicked(RawStream& stream, int64_t seconds) {
    const grpc::Status end = stream.WaitForEnd();
    EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(end.error_message(),
              "KICKED: taken out by an operator: too loud");
    ExpectHeld(stream.trailers(), seconds);
  }
  static void ExpectHeld(const Trailers& trailers, int64_t seconds) {
    ASSERT_EQ(trailers.count("rocketmq-end-reason"), 1);
    EXPECT_EQ(trailers.at("rocketmq-end-reason"), "KICKED");
    ASSERT_EQ(trailers.count("rocketmq-retry-after-ms"), 1);
    int64_t left_ms = 0;
    ASSERT_TRUE(
        absl::SimpleAtoi(trailers.at("rocketmq-retry-after-ms"), &left_ms));
    EXPECT_THAT(left_ms, AllOf(Ge(1), Le(seconds * 1000)));
  }

  std::unique_ptr<BrokerProcess> broker_;
};

TEST_F(KickTest, EachCriterionTakesOutThoseThatMeetIt) {
  pb::HeartbeatRequest stated = ConsumerHeartbeat("c1", "orders");
  stated.set_language(pb::LANGUAGE_CODE_GO);
  stated.set_version(7);
  (*stated.mutable_labels())["zone"] = "a";
  const auto other = Join(ConsumerHeartbeat("c2", "others"));
  const std::function<void(pb::KickClientsRequest*)> criteria[] = {
      [](auto* request) { request->set_client_id("c1"); },
      [](auto* request) { request->set_group("orders"); },
      [](auto* request) { request->set_language(pb::LANGUAGE_CODE_GO); },
      [](auto* request) { request->set_version(7); },
      [](auto* request) { (*request->mutable_labels())["zone"] = "a"; },
      [](auto* request) {
        request->set_remote_address("127.0.0.1");
        request->set_group("orders");
      }};
  int64_t kicks = 0;
  for (const auto& set : criteria) {
    stated.set_incarnation(++kicks);  // Each is another process.
    const auto stream = Join(stated);
    pb::KickClientsRequest request;
    set(&request);
    request.set_reason("too loud");
    EXPECT_EQ(Kick(request), 1) << request.ShortDebugString();
    ExpectKicked(*stream, 600);
  }
  EXPECT_THAT(broker_->ConsumerIds("others"), ElementsAre("c2"));
  // It is told as any removal is, and to be found afterwards.
  EXPECT_TRUE(Becomes([&] { return broker_->ReasonsOfLeaving("c1"); },
                      ::testing::SizeIs(kicks)));
  pb::ListClientsRequest list;
  list.mutable_filter()->set_client_id("c1");
  list.mutable_filter()->set_state(pb::ClientFilter::STATE_RECENTLY_CLOSED);
  const auto closed = AdminClient(address(), absl::Seconds(20))
                          .Ask<pb::ListClientsResponse>(list);
  ASSERT_THAT(closed, IsOk());
  EXPECT_EQ(closed->clients_size(), kicks);
  EXPECT_EQ(closed->clients(0).reason(), pb::REMOVAL_REASON_KICKED);
  EXPECT_TRUE(Becomes([&] { return broker_->process().err(); },
                      AllOf(HasSubstr("kicked=1"), HasSubstr("group=orders"),
                            HasSubstr("reason=\"too loud\""))));
}

TEST_F(KickTest, TheProcessIsHeldOffUntilItsTimeAndAnotherIsNot) {
  pb::HeartbeatRequest stated = ConsumerHeartbeat("c1", "orders");
  stated.set_incarnation(7);
  const auto stream = Join(stated);
  EXPECT_EQ(Kick(OfClient("c1", 4)), 1);
  ExpectKicked(*stream, 4);

  RawStream again(address());
  ASSERT_TRUE(again.Send(stated));
  const pb::Reply refused = ReplyTo(again);
  EXPECT_EQ(refused.status().code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(refused.status().message(),
            "KICKED: taken out by an operator: too loud");
  ExpectKicked(again, 4);

  stated.set_incarnation(8);
  const auto other = Join(stated);
  EXPECT_THAT(broker_->ConsumerIds("orders"), ElementsAre("c1"));

  stated.set_incarnation(7);
  EXPECT_TRUE(Becomes(
      [&] {
        RawStream late(address());
        return late.Send(stated) && ReplyTo(late).status().code() == 0;
      },
      true));
}

TEST_F(KickTest, AUnaryClientIsRefusedUntilItsTime) {
  const pb::HeartbeatRequest stated = ConsumerHeartbeat("c1", "orders");
  ASSERT_TRUE(SendHeartbeat(address(), stated).ok());
  EXPECT_EQ(Kick(OfClient("c1", 2)), 1);
  EXPECT_THAT(broker_->ConsumerIds("orders"), ElementsAre());
  Trailers trailers;
  const grpc::Status refused = SendHeartbeat(address(), stated, &trailers);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(refused.error_message(),
            "KICKED: taken out by an operator: too loud");
  ExpectHeld(trailers, 2);
  EXPECT_TRUE(
      Becomes([&] { return SendHeartbeat(address(), stated).ok(); }, true));
}

TEST_F(KickTest, TheLibrarysConsumerLeavesItsGroupAndComesBack) {
  ClientOptions options;
  options.brokers = {address()};
  options.client_id = "library";
  const auto client = WatchingClient::Create(options);
  ASSERT_THAT(client, IsOk());
  ConsumerOptions consumer;
  consumer.group = "orders";
  consumer.subscriptions = {{"t"}};
  ASSERT_THAT((*client)->client().RegisterConsumer(consumer), IsOk());
  ASSERT_THAT((*client)->client().Start(), IsOk());
  ASSERT_TRUE(Becomes([&] { return broker_->ConsumerIds("orders"); },
                      ElementsAre("library")));
  EXPECT_EQ(Kick(OfClient("library", 3)), 1);
  EXPECT_TRUE(Becomes([&] { return broker_->ReasonsOfLeaving("library"); },
                      ElementsAre("KICKED")));
  EXPECT_TRUE(Stays([&] { return broker_->ConsumerIds("orders"); },
                    ElementsAre(), absl::Seconds(1)));
  EXPECT_TRUE(Becomes([&] { return broker_->ConsumerIds("orders"); },
                      ElementsAre("library")));
}

TEST_F(KickTest, WhileThreeHundredGoOthersHeartbeatsAreAnsweredAtOnce) {
  constexpr int kMany = 300;
  std::vector<std::unique_ptr<RawStream>> many;
  for (int i = 0; i < kMany; ++i) {
    many.push_back(Join(ConsumerHeartbeat(absl::StrCat("c", i), "many")));
  }
  const auto other = Join(ConsumerHeartbeat("other", "others"));
  std::atomic<bool> is_over{false};
  absl::Duration longest;
  int answered = 0;
  std::thread heartbeats([&] {
    while (!is_over) {
      const absl::Time sent = absl::Now();
      EXPECT_TRUE(other->Send(ConsumerHeartbeat("other", "others")));
      EXPECT_EQ(ReplyTo(*other).status().code(), 0);
      longest = std::max(longest, absl::Now() - sent);
      ++answered;
      absl::SleepFor(absl::Milliseconds(11));
    }
  });
  pb::KickClientsRequest request;
  request.set_group("many");
  request.set_reason("too loud");
  EXPECT_EQ(Kick(request), kMany);
  for (const auto& stream : many) ExpectKicked(*stream, 600);
  is_over = true;
  heartbeats.join();
  EXPECT_GT(answered, 0);
  EXPECT_LT(longest, absl::Seconds(2));
  RecordProperty("longest_ms",
                 absl::StrCat(absl::ToInt64Milliseconds(longest)));
  EXPECT_THAT(broker_->ConsumerIds("many"), ElementsAre());
  EXPECT_THAT(broker_->ConsumerIds("others"), ElementsAre("other"));
}

}  // namespace
}  // namespace rmq
