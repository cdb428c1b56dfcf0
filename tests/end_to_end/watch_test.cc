// Watching real brokers with real clients.
#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/child_process.h"
#include "tests/end_to_end/consumer_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGroup[] = "orders";

// One call of Watch by a generated stub. Blocking; every wait is bounded.
class RawWatch {
 public:
  RawWatch(const std::shared_ptr<grpc::Channel>& connection,
           const pb::WatchRequest& request)
      : stub_(pb::ClientManagerAdmin::NewStub(connection)) {
    context_.set_deadline(gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(60, GPR_TIMESPAN)));
    reader_ = stub_->Watch(&context_, request);
  }
  explicit RawWatch(const std::string& broker,
                    const pb::WatchRequest& request = {})
      : RawWatch(Connection(broker), request) {}
  ~RawWatch() { context_.TryCancel(); }

  static std::shared_ptr<grpc::Channel> Connection(const std::string& broker) {
    return grpc::CreateChannel(broker, PlaintextChannelCredentials().Get());
  }

  // Nothing if the call is over.
  absl::optional<pb::WatchResponse> Read() {
    pb::WatchResponse response;
    if (!reader_->Read(&response)) return absl::nullopt;
    return response;
  }
  // The next event: "joined c1", "left c1 DISCONNECTED". Passes over the rest,
  // and events of no member.
  std::string ReadEvent() {
    for (;;) {
      const absl::optional<pb::WatchResponse> response = Read();
      if (!response.has_value()) return "the end";
      if (response->has_progress()) progress_ = response->progress();
      const pb::WatchEvent& event = response->event();
      if (event.type() == pb::WatchEvent::TYPE_CLIENT_REGISTER) {
        last_revision_ = event.revision();
        return absl::StrCat("joined ", event.client_id());
      }
      if (event.type() == pb::WatchEvent::TYPE_CLIENT_UNREGISTER) {
        last_revision_ = event.revision();
        return absl::StrCat("left ", event.client_id(), " ",
                            pb::RemovalReason_Name(event.reason()));
      }
    }
  }
  // The client ids of the snapshot.
  std::vector<std::string> ReadSnapshot() {
    std::vector<std::string> client_ids;
    for (;;) {
      const absl::optional<pb::WatchResponse> response = Read();
      if (!response.has_value()) return {"the end"};
      if (response->has_progress()) progress_ = response->progress();
      for (const pb::WatchedMember& member : response->snapshot().members()) {
        client_ids.push_back(member.client_id());
      }
      if (response->snapshot().last()) return client_ids;
    }
  }
  grpc::Status Finish() {
    while (Read().has_value()) {
    }
    return reader_->Finish();
  }

  const pb::WatchProgress& progress() const { return progress_; }
  uint64_t last_revision() const { return last_revision_; }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<pb::ClientManagerAdmin::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<pb::WatchResponse>> reader_;
  pb::WatchProgress progress_;
  uint64_t last_revision_ = 0;
};

pb::WatchRequest OfGroup() {
  pb::WatchRequest request;
  request.add_groups(kGroup);
  return request;
}

TEST(WatchTest, AConsumerThatIsKilledIsSeenToJoinAndToLeave) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  const auto there =
      ConsumerProcess::Start((*broker)->address(), kGroup, "there");
  ASSERT_THAT(there, IsOk());
  ASSERT_TRUE(Becomes([&] { return (*broker)->ConsumerIds(kGroup); },
                      ElementsAre("there")));
  RawWatch watch((*broker)->address(), OfGroup());
  EXPECT_THAT(watch.ReadSnapshot(), ElementsAre("there"));
  const auto comes =
      ConsumerProcess::Start((*broker)->address(), kGroup, "comes");
  ASSERT_THAT(comes, IsOk());
  EXPECT_EQ(watch.ReadEvent(), "joined comes");
  (*comes)->process().Signal(SIGKILL);
  EXPECT_EQ(watch.ReadEvent(), "left comes REMOVAL_REASON_DISCONNECTED");
  (*there)->process().Signal(SIGTERM);
  EXPECT_EQ(watch.ReadEvent(), "left there REMOVAL_REASON_UNREGISTERED");
}

TEST(WatchTest, AClientThatFallsSilentIsSeenToExpire) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  RawWatch watch((*broker)->address(), OfGroup());
  EXPECT_THAT(watch.ReadSnapshot(), ElementsAre());
  RawStream stream((*broker)->address());
  ASSERT_TRUE(stream.Send(ConsumerHeartbeat("silent", kGroup)));
  EXPECT_EQ(watch.ReadEvent(), "joined silent");
  EXPECT_EQ(watch.ReadEvent(), "left silent REMOVAL_REASON_EXPIRED");
}

TEST(WatchTest, AResumedWatchSeesWhatHappenedMeanwhile) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  const std::string& address = (*broker)->address();
  auto watch = std::make_unique<RawWatch>(address, OfGroup());
  EXPECT_THAT(watch->ReadSnapshot(), ElementsAre());
  pb::WatchRequest request = OfGroup();
  request.set_broker_incarnation(watch->progress().broker_incarnation());
  RawStream first(address);
  ASSERT_TRUE(first.Send(ConsumerHeartbeat("first", kGroup)));
  EXPECT_EQ(watch->ReadEvent(), "joined first");
  request.set_from_revision(watch->last_revision() + 1);
  watch = nullptr;  // The connection breaks.
  RawStream second(address);
  ASSERT_TRUE(second.Send(ConsumerHeartbeat("second", kGroup)));
  pb::BrokerFrame answer;
  ASSERT_TRUE(second.Receive(&answer));
  first.Cancel();
  RawWatch resumed(address, request);
  const std::vector<std::string> events = {resumed.ReadEvent(),
                                           resumed.ReadEvent()};
  EXPECT_THAT(events, ElementsAre("joined second",
                                  "left first REMOVAL_REASON_DISCONNECTED"));
}

TEST(WatchTest, AfterARestartTheRevisionsAreThoseOfAnotherBroker) {
  auto broker = BrokerProcess::Start(UnusedAddress());
  ASSERT_THAT(broker, IsOk());
  const std::string address = (*broker)->address();
  RawWatch watch(address, OfGroup());
  watch.ReadSnapshot();
  pb::WatchRequest request = OfGroup();
  request.set_from_revision(1);
  request.set_broker_incarnation(watch.progress().broker_incarnation());
  (*broker)->process().Signal(SIGKILL);
  ASSERT_TRUE((*broker)->process().WaitForExit(kPatience).has_value());
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  broker = BrokerProcess::Start(address);
  ASSERT_THAT(broker, IsOk());
  RawWatch resumed(address, request);
  const grpc::Status status = resumed.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_message(), HasSubstr("the broker has restarted"));
}

TEST(WatchTest, AForgedRevisionIsRefused) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  RawStream stream((*broker)->address());
  ASSERT_TRUE(stream.Send(ConsumerHeartbeat("c1", kGroup)));
  pb::BrokerFrame answer;
  ASSERT_TRUE(stream.Receive(&answer));
  for (const uint64_t forged :
       {uint64_t{3}, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()}) {
    pb::WatchRequest request;
    request.set_from_revision(forged);
    RawWatch watch((*broker)->address(), request);
    const grpc::Status status = watch.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_THAT(status.error_message(),
                HasSubstr("from_revision must be 1 to 2, or 0"));
  }
}

TEST(WatchTest, AFloodOfWatchesIsBoundedAndHarmsNobody) {
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  const std::shared_ptr<grpc::Channel> connection =
      RawWatch::Connection((*broker)->address());
  std::vector<std::unique_ptr<RawWatch>> watches;
  constexpr int kWatches = 1'000;
  for (int i = 0; i < kWatches; ++i) {
    watches.push_back(std::make_unique<RawWatch>(connection, OfGroup()));
  }
  int open = 0;
  int refused = 0;
  std::vector<RawWatch*> those_that_watch;
  for (const auto& watch : watches) {
    if (watch->Read().has_value()) {
      ++open;
      those_that_watch.push_back(watch.get());
      continue;
    }
    const grpc::Status status = watch->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(status.error_message(),
              "open calls of Watch from one address must be at most 128");
    ++refused;
  }
  EXPECT_EQ(open, 128);
  EXPECT_EQ(refused, kWatches - 128);
  EXPECT_TRUE(
      SendHeartbeat((*broker)->address(), ConsumerHeartbeat("c1", kGroup))
          .ok());
  for (RawWatch* const watch : those_that_watch) {
    EXPECT_EQ(watch->ReadEvent(), "joined c1");
  }
}

TEST(WatchTest, GrpcurlWatchesByReflection) {
  if (FindProgram("grpcurl").empty()) {
    GTEST_SKIP() << "grpcurl is not installed (tools/setup --all)";
  }
  const auto broker = BrokerProcess::Start();
  ASSERT_THAT(broker, IsOk());
  ASSERT_TRUE(
      SendHeartbeat((*broker)->address(), ConsumerHeartbeat("c1", kGroup))
          .ok());
  ChildProcess::Options run;
  run.command = {"grpcurl",
                 "-plaintext",
                 "-d",
                 R"({"groups": ["orders"]})",
                 (*broker)->address(),
                 "rocketmq.clientmanager.v1.ClientManagerAdmin/Watch"};
  const auto grpcurl = ChildProcess::Start(std::move(run));
  ASSERT_THAT(grpcurl, IsOk());
  EXPECT_TRUE(Becomes([&] { return (*grpcurl)->out(); },
                      AllOf(HasSubstr("\"c1\""), HasSubstr("\"last\": true"))));
}

}  // namespace
}  // namespace rmq
