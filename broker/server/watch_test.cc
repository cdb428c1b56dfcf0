// The admin method Watch, over real connections.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/server/test_broker.h"
#include "common/real_clock.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// One call of Watch as a client makes it. Blocking.
class Watch {
 public:
  Watch(const std::shared_ptr<grpc::Channel>& connection,
        const pb::WatchRequest& request)
      : stub_(pb::ClientManagerAdmin::NewStub(connection)) {
    SetTestDeadline(context_);
    reader_ = stub_->Watch(&context_, request);
  }
  explicit Watch(const TestBroker& broker, const pb::WatchRequest& request = {})
      : Watch(broker.connection(), request) {}
  ~Watch() { context_.TryCancel(); }

  // Nothing if the call is over.
  absl::optional<pb::WatchResponse> Read() {
    pb::WatchResponse response;
    if (!reader_->Read(&response)) return absl::nullopt;
    return response;
  }
  pb::WatchProgress ReadProgress() {
    const absl::optional<pb::WatchResponse> response = Read();
    EXPECT_TRUE(response.has_value() && response->has_progress());
    return response.has_value() ? response->progress() : pb::WatchProgress();
  }
  pb::WatchEvent ReadEvent() {
    const absl::optional<pb::WatchResponse> response = Read();
    EXPECT_TRUE(response.has_value() && response->has_event());
    return response.has_value() ? response->event() : pb::WatchEvent();
  }
  // Up to the last piece.
  std::vector<pb::WatchedMember> ReadSnapshot() {
    std::vector<pb::WatchedMember> members;
    for (;;) {
      const absl::optional<pb::WatchResponse> response = Read();
      if (!response.has_value() || !response->has_snapshot()) {
        ADD_FAILURE() << "no snapshot";
        return members;
      }
      for (const pb::WatchedMember& member : response->snapshot().members()) {
        members.push_back(member);
      }
      if (response->snapshot().last()) return members;
    }
  }
  // Of a call that the broker ends.
  grpc::Status Finish() {
    while (Read().has_value()) {
    }
    return reader_->Finish();
  }
  std::string EndReason() const { return EndReasonOf(context_); }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<pb::ClientManagerAdmin::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<pb::WatchResponse>> reader_;
};

pb::WatchRequest From(uint64_t revision) {
  pb::WatchRequest request;
  request.set_from_revision(revision);
  return request;
}

// On the real clock: the timer wakes those who watch, and rests for a moment
// after each time.
class LiveBroker : public TestBroker {
 public:
  explicit LiveBroker(
      const BrokerController::Options& options = TestBroker::DefaultOptions())
      : TestBroker(options, &RealClock()) {}
};

BrokerController::Options WithWatches(size_t most) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.watch.max_watches = most;
  return options;
}

TEST(WatchTest, ASnapshotComesFirstAndThenEachEventWithItsReason) {
  LiveBroker broker;
  const auto there = broker.Connect();
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("c1", "orders");
  (*heartbeat.mutable_labels())["zone"] = "eu1";
  there->Call(heartbeat);
  Watch watch(broker);
  const pb::WatchProgress progress = watch.ReadProgress();
  EXPECT_EQ(progress.revision(), 1);
  EXPECT_EQ(progress.oldest_revision(), 1);
  EXPECT_NE(progress.broker_incarnation(), 0);
  const std::vector<pb::WatchedMember> members = watch.ReadSnapshot();
  ASSERT_THAT(members, SizeIs(1));
  EXPECT_EQ(members[0].kind(), pb::GROUP_KIND_CONSUMER);
  EXPECT_EQ(members[0].group(), "orders");
  EXPECT_EQ(members[0].client_id(), "c1");
  EXPECT_TRUE(members[0].stream());
  EXPECT_EQ(members[0].labels().at("zone"), "eu1");

  auto comes = broker.Connect();
  comes->Call(ProducerHeartbeat("p1", "payments"));
  const pb::WatchEvent joined = watch.ReadEvent();
  EXPECT_EQ(joined.type(), pb::WatchEvent::TYPE_CLIENT_REGISTER);
  EXPECT_EQ(joined.kind(), pb::GROUP_KIND_PRODUCER);
  EXPECT_EQ(joined.group(), "payments");
  EXPECT_EQ(joined.client_id(), "p1");
  EXPECT_EQ(joined.revision(), 2);
  EXPECT_THAT(joined.remote_address(), HasSubstr("127.0.0.1:"));
  comes = nullptr;
  const pb::WatchEvent left = watch.ReadEvent();
  EXPECT_EQ(left.type(), pb::WatchEvent::TYPE_CLIENT_UNREGISTER);
  EXPECT_EQ(left.reason(), pb::REMOVAL_REASON_DISCONNECTED);
  EXPECT_EQ(left.channel_id(), joined.channel_id());
  EXPECT_EQ(watch.ReadEvent().type(), pb::WatchEvent::TYPE_UNREGISTER);
}

TEST(WatchTest, OnlyWhatIsAskedForIsSent) {
  LiveBroker broker;
  const auto stream = broker.Connect();
  stream->Call(ConsumerHeartbeat("c1", "orders"));
  pb::WatchRequest request;
  request.add_groups("bills");
  request.add_kinds(pb::GROUP_KIND_PRODUCER);
  Watch watch(broker, request);
  watch.ReadProgress();
  EXPECT_THAT(watch.ReadSnapshot(), SizeIs(0));
  EXPECT_THAT(broker.authorizer().last().groups, ElementsAre("bills"));
  const auto others = broker.Connect();
  others->Call(ConsumerHeartbeat("c2", "bills"));
  const auto asked_for = broker.Connect();
  asked_for->Call(ProducerHeartbeat("p1", "bills"));
  EXPECT_EQ(watch.ReadEvent().client_id(), "p1");
}

TEST(WatchTest, AResumedWatchHasTheEventsFromItsRevisionOn) {
  LiveBroker broker;
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 1; i <= 3; ++i) {
    streams.push_back(broker.Connect());
    streams.back()->Call(ProducerHeartbeat(absl::StrCat("p", i), "payments"));
  }
  Watch watch(broker, From(2));
  EXPECT_EQ(watch.ReadProgress().revision(), 1);
  EXPECT_EQ(watch.ReadEvent().client_id(), "p2");
  EXPECT_EQ(watch.ReadEvent().client_id(), "p3");
}

TEST(WatchTest, ARevisionThatIsNotKeptIsOutOfRange) {
  LiveBroker broker;
  Watch watch(broker, From(2));
  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(status.error_message(),
            "from_revision must be 1 to 1, or 0 for a snapshot; got 2");
}

TEST(WatchTest, ARevisionOfAnotherBrokerIsOutOfRange) {
  LiveBroker broker;
  Watch first(broker);
  const uint64_t incarnation = first.ReadProgress().broker_incarnation();
  pb::WatchRequest request = From(1);
  request.set_broker_incarnation(incarnation + 1);
  {
    Watch watch(broker, request);
    const grpc::Status status = watch.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_THAT(status.error_message(), HasSubstr("the broker has restarted"));
  }
  request.set_broker_incarnation(incarnation);
  EXPECT_EQ(Watch(broker, request).ReadProgress().revision(), 0);
  // A snapshot is of this broker, whatever the client knew before.
  request = From(0);
  request.set_broker_incarnation(incarnation + 1);
  EXPECT_EQ(Watch(broker, request).ReadProgress().revision(), 0);
}

TEST(WatchTest, BadFormIsNamed) {
  LiveBroker broker;
  pb::WatchRequest many;
  for (int i = 0; i < 256; ++i) many.add_groups(absl::StrCat("g", i));
  EXPECT_EQ(Watch(broker, many).ReadProgress().revision(), 0);
  many.add_groups("one more");
  pb::WatchRequest twice;
  twice.add_groups("orders");
  twice.add_groups("orders");
  pb::WatchRequest illegal;
  illegal.add_groups("or ders");
  pb::WatchRequest kind;
  kind.add_kinds(static_cast<pb::GroupKind>(3));
  for (const auto& [request, message] :
       std::vector<std::pair<pb::WatchRequest, std::string>>{
           {many, "groups must be at most 256, got 257"},
           {twice, "groups must name each group once, got \"orders\" twice"},
           {illegal, "groups"},
           {kind,
            "kinds must be GROUP_KIND_PRODUCER or GROUP_KIND_CONSUMER, "
            "got 3"}}) {
    Watch watch(broker, request);
    const grpc::Status status = watch.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr(message));
  }
}

TEST(WatchTest, ThereIsProgressEachTenSeconds) {
  TestBroker broker;
  Watch watch(broker);
  watch.ReadProgress();
  watch.ReadSnapshot();
  for (int i = 0; i < 2; ++i) {
    broker.PassTime(absl::Seconds(10));
    EXPECT_EQ(watch.ReadProgress().revision(), 0);
  }
}

TEST(WatchTest, AnAddressHasHalfOfTheWatches) {
  LiveBroker broker(WithWatches(4));
  Watch first(broker);
  first.ReadProgress();
  Watch second(broker);
  second.ReadProgress();
  Watch third(broker);
  const grpc::Status status = third.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(),
            "open calls of Watch from one address must be at most 2");
}

TEST(WatchTest, AUserBehindTheAddressOfOthersHasWatchesOfHisOwn) {
  LiveBroker broker(WithWatches(4));
  Watch first(broker);
  first.ReadProgress();
  Watch second(broker);
  second.ReadProgress();
  broker.authorizer().SetRules(1, "pay");
  Watch his(broker);
  EXPECT_EQ(his.ReadProgress().revision(), 0);
}

TEST(WatchTest, OfOneWatchAnAddressHasTheOne) {
  LiveBroker broker(WithWatches(1));
  Watch first(broker);
  EXPECT_EQ(first.ReadProgress().revision(), 0);
  Watch second(broker);
  EXPECT_EQ(second.Finish().error_message(),
            "open calls of Watch must be at most 1");
}

TEST(WatchTest, ABrokerThatGoesDownSaysSo) {
  LiveBroker broker;
  Watch watch(broker);
  watch.ReadProgress();
  watch.ReadSnapshot();
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(watch.EndReason(), "DRAINED");
}

TEST(WatchTest, WhoDoesNotReadIsCutAndOthersAreTold) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.watch.watch_history = 1'000;
  options.server.max_frame_rate = 0;
  LiveBroker broker(options);
  Watch slow(broker.NewNarrowConnection(), {});
  slow.ReadProgress();
  slow.ReadSnapshot();
  Watch quick(broker);
  quick.ReadProgress();
  quick.ReadSnapshot();
  // Each round of joining and leaving makes three events; long names, so that
  // they do not fit into the connection.
  const std::string names[] = {std::string(120, 'a'), std::string(120, 'b')};
  const auto stream = broker.Connect();
  constexpr int kRounds = 60;
  constexpr int kOfARound = 50;
  for (int i = 0; i < kRounds; ++i) {
    const std::string& group = names[i % 2];
    for (int j = 0; j < kOfARound; ++j) {
      stream->Call(ProducerHeartbeat("p1", group));
      pb::ClientFrame leave;
      leave.mutable_unregister_client()->set_client_id("p1");
      leave.mutable_unregister_client()->set_producer_group(group);
      stream->Call(leave);
    }
    for (int event = 0; event < 3 * kOfARound; ++event) {
      ASSERT_EQ(quick.ReadEvent().group(), group);
    }
  }
  const grpc::Status status = slow.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(slow.EndReason(), "SLOW_WATCHER");
  EXPECT_THAT(status.error_message(), HasSubstr("watch again from 0"));
}

}  // namespace
}  // namespace rmq
