// 300 clients of a broker that an operator drains, or that is stopped.
#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "client/client_runtime.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Optional;

constexpr int kClients = 300;

class DrainTest : public ::testing::Test {
 protected:
  void StartBroker(std::vector<std::string> flags) {
    flags.push_back("--channel_expiry=1h");
    auto broker = BrokerProcess::Start("127.0.0.1:0", std::move(flags));
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }
  void StartClients() {
    for (int i = 0; i < kClients; ++i) {
      ClientOptions options;
      options.brokers = {broker_->address()};
      options.client_id = absl::StrCat("10.0.0.1@", i);
      options.runtime = runtime_;
      auto client = Client::Create(std::move(options));
      ASSERT_THAT(client, IsOk());
      ConsumerOptions consumer;
      consumer.group = absl::StrCat("orders-", i / 10);
      ASSERT_THAT((*client)->RegisterConsumer(std::move(consumer)), IsOk());
      ASSERT_THAT((*client)->Start(), IsOk());
      clients_.push_back(*std::move(client));
    }
    ASSERT_TRUE(Becomes([&] { return Online(); }, kClients));
  }
  int Online() const {
    int online = 0;
    for (const auto& client : clients_) {
      online += IsOnline(client->Health().front().state) ? 1 : 0;
    }
    return online;
  }
  // How many clients know that the broker sent them away.
  int Drained() const {
    int drained = 0;
    for (const auto& client : clients_) {
      drained +=
          client->Health().front().last_end == EndReason::kDrained ? 1 : 0;
    }
    return drained;
  }

  // Follows a drain to its end; calls `act` with each progress.
  std::vector<pb::DrainProgress> Drain(
      absl::Duration duration,
      const std::function<void(const pb::DrainProgress&)>& act =
          [](const auto&) {}) {
    pb::DrainRequest request;
    request.mutable_duration()->set_seconds(absl::ToInt64Seconds(duration));
    return Follow(request, act);
  }
  std::vector<pb::DrainProgress> Cancel() {
    pb::DrainRequest request;
    request.set_cancel(true);
    return Follow(request, [](const auto&) {});
  }
  std::vector<pb::DrainProgress> Follow(
      const pb::DrainRequest& request,
      const std::function<void(const pb::DrainProgress&)>& act) {
    std::vector<pb::DrainProgress> all;
    AdminClient admin(broker_->address(), absl::Minutes(2));
    const AdminStreamEnd end = admin.Stream(
        request,
        [&](const google::protobuf::Message& message) {
          all.emplace_back().CopyFrom(message);
          act(all.back());
        },
        [] { return true; });
    EXPECT_THAT(end.status, IsOk());
    return all;
  }

  bool IsServing() const {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_TRUE(grpc::health::v1::Health::NewStub(
                    grpc::CreateChannel(broker_->address(),
                                        PlaintextChannelCredentials().Get()))
                    ->Check(&context, {}, &response)
                    .ok());
    return response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
  }
  // The value of a metric without labels of its own.
  std::string Metric(const std::string& name) const {
    const std::string log = broker_->process().err();
    const std::string address =
        log.substr(log.find("metrics_address=") + strlen("metrics_address="));
    httplib::Client http(
        absl::StrCat("http://", address.substr(0, address.find(' '))));
    const httplib::Result result = http.Get("/metrics");
    if (!result) return "(no answer)";
    const size_t line = result->body.find(
        absl::StrCat("\nrocketmq_client_manager_", name, "{"));
    const size_t value = result->body.find("} ", line) + 2;
    return result->body.substr(value, result->body.find('\n', value) - value);
  }

  std::unique_ptr<BrokerProcess> broker_;
  const std::shared_ptr<ClientRuntime> runtime_ = ClientRuntime::Create();
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(DrainTest, ClientsGoEvenlyAndComeBackAfterTheCancel) {
  StartBroker({});
  StartClients();
  constexpr int kSeconds = 6;
  const absl::Time began = absl::Now();
  const std::vector<pb::DrainProgress> all = Drain(absl::Seconds(kSeconds));
  EXPECT_THAT(absl::Now() - began,
              AllOf(Ge(absl::Seconds(kSeconds) - absl::Milliseconds(100)),
                    Le(absl::Seconds(3 * kSeconds))));
  ASSERT_GE(all.size(), kSeconds);
  EXPECT_EQ(all.front().clients_at_start(), kClients);
  EXPECT_EQ(all.back().state(), pb::DrainProgress::STATE_DRAINED);
  EXPECT_EQ(all.back().clients_left(), 0);
  // A second's share, and the same again for a machine that is busy.
  constexpr int kTolerance = 2 * kClients / kSeconds;
  for (size_t second = 1; second < kSeconds; ++second) {
    const int64_t even = kClients - kClients * second / kSeconds;
    EXPECT_THAT(all[second].clients_left(),
                AllOf(Ge(even - kTolerance), Le(even + kTolerance)))
        << second;
  }

  // Operators' calls pass, and a client is turned away.
  AdminClient admin(broker_->address(), kPatience);
  EXPECT_THAT(admin.Ask<pb::ListGroupsResponse>([] {
    pb::ListGroupsRequest request;
    request.set_kind(pb::GROUP_KIND_CONSUMER);
    return request;
  }()),
              IsOk());
  RawStream newcomer(broker_->address());
  newcomer.Send(ConsumerHeartbeat("new", "orders-0"));
  const grpc::Status end = newcomer.WaitForEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(end.error_message(), HasSubstr("DRAINED"));
  EXPECT_TRUE(Becomes([&] { return Drained(); }, kClients));
  EXPECT_EQ(Online(), 0);
  EXPECT_FALSE(IsServing());
  EXPECT_EQ(Metric("draining"), "1");
  EXPECT_EQ(Metric("drained_total"), absl::StrCat(kClients));

  Cancel();
  EXPECT_TRUE(IsServing());
  EXPECT_EQ(Metric("draining"), "0");
  EXPECT_TRUE(Becomes([&] { return Online(); }, kClients, absl::Minutes(2)));
}

TEST_F(DrainTest, ACancelInTheMiddleBringsAllBack) {
  StartBroker({});
  StartClients();
  std::thread cancel;
  const std::vector<pb::DrainProgress> all =
      Drain(absl::Seconds(10), [&](const pb::DrainProgress& progress) {
        if (progress.clients_left() < kClients / 2 && !cancel.joinable()) {
          cancel = std::thread([this] { Cancel(); });
        }
      });
  cancel.join();
  EXPECT_EQ(all.back().state(), pb::DrainProgress::STATE_CANCELLED);
  EXPECT_THAT(all.back().clients_left(), AllOf(Ge(1), Le(kClients / 2)));
  // Those that were left have stayed, and the others come back.
  EXPECT_THAT(Drained(), Le(kClients - 1));
  EXPECT_TRUE(Becomes([&] { return Online(); }, kClients, absl::Minutes(2)));
  for (int group = 0; group < kClients / 10; ++group) {
    EXPECT_TRUE(Becomes(
        [&] {
          return broker_->ConsumerIds(absl::StrCat("orders-", group)).size();
        },
        10));
  }
}

TEST_F(DrainTest, AStopTellsAllWithinHalfOfItsTime) {
  StartBroker({"--drain_timeout=4s"});
  StartClients();
  const absl::Time began = absl::Now();
  broker_->process().Signal(SIGTERM);
  EXPECT_THAT(broker_->process().WaitForExit(kPatience), Optional(0));
  const absl::Duration took = absl::Now() - began;
  // 300 clients at 100 a second would take longer.
  EXPECT_THAT(took, AllOf(Ge(absl::Milliseconds(1900)), Le(absl::Seconds(4))));
  EXPECT_TRUE(Becomes([&] { return Drained(); }, kClients));
}

}  // namespace
}  // namespace rmq
