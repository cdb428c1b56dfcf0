#include "common/rpc/server/health_service.h"

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/housekeeping/drain.h"
#include "broker/server/test_broker.h"
#include "common/etcd/scripted_etcd.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using Health = grpc::health::v1::Health;
using Request = grpc::health::v1::HealthCheckRequest;
using Response = grpc::health::v1::HealthCheckResponse;

Request Of(const std::string& service) {
  Request request;
  request.set_service(service);
  return request;
}

grpc::Status Check(const TestBroker& broker, const std::string& service,
                   Response* response) {
  grpc::ClientContext context;
  SetTestDeadline(context);
  return Health::NewStub(broker.connection())
      ->Check(&context, Of(service), response);
}

// A Watch call as a client makes it.
class Watcher {
 public:
  Watcher(const TestBroker& broker, const std::string& service)
      : stub_(Health::NewStub(broker.connection())) {
    SetTestDeadline(context_);
    reader_ = stub_->Watch(&context_, Of(service));
  }

  // The next status; -1 if the call is over.
  int Read() {
    Response response;
    return reader_->Read(&response) ? response.status() : -1;
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() { return reader_->Finish(); }
  // After Finish().
  int ResponseCode() const { return ResponseCodeOf(context_); }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<Health::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<Response>> reader_;
};

TEST(HealthServiceTest, TheServerAndEachOfItsServicesIsServing) {
  TestBroker broker;
  for (const char* service : {"", "rocketmq.clientmanager.v1.ClientManager",
                              "rocketmq.clientmanager.v1.ClientManagerAdmin"}) {
    Response response;
    EXPECT_TRUE(Check(broker, service, &response).ok()) << service;
    EXPECT_EQ(response.status(), Response::SERVING) << service;
  }
}

TEST(HealthServiceTest, ACheckOfAnUnknownServiceIsNotFound) {
  TestBroker broker;
  Response response;
  const grpc::Status status = Check(broker, "NameServer", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("\"NameServer\""));
}

TEST(HealthServiceTest, AWatcherIsToldTheStatusAndItsChangeAndThatIsTheEnd) {
  TestBroker broker;
  Watcher watcher(broker, "");
  EXPECT_EQ(watcher.Read(), Response::SERVING);
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_EQ(watcher.Read(), Response::NOT_SERVING);
  EXPECT_EQ(watcher.Read(), -1);
  EXPECT_EQ(watcher.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(watcher.ResponseCode(), -1);  // The service is gRPC's.
}

TEST(HealthServiceTest, AWatcherIsToldThatClientsAreTurnedAwayAndLetInAgain) {
  TestBroker broker;
  Watcher watcher(broker, "");
  Watcher unknown(broker, "NameServer");
  EXPECT_EQ(watcher.Read(), Response::SERVING);
  EXPECT_EQ(unknown.Read(), Response::SERVICE_UNKNOWN);
  broker.controller().drain().Begin(absl::Hours(1), broker.clock().TimeNow());
  EXPECT_EQ(watcher.Read(), Response::NOT_SERVING);
  Response response;
  EXPECT_TRUE(
      Check(broker, "rocketmq.clientmanager.v1.ClientManager", &response).ok());
  EXPECT_EQ(response.status(), Response::NOT_SERVING);
  // Who watches from now on is told the same.
  Watcher late(broker, "");
  EXPECT_EQ(late.Read(), Response::NOT_SERVING);
  broker.controller().drain().Cancel(broker.clock().TimeNow());
  EXPECT_EQ(watcher.Read(), Response::SERVING);
  EXPECT_EQ(late.Read(), Response::SERVING);
  // Nothing of all that concerns a service that is not known.
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_EQ(watcher.Read(), Response::NOT_SERVING);
  EXPECT_EQ(unknown.Read(), -1);
}

TEST(HealthServiceTest, WhetherOthersFindTheBrokerIsADetailOfItsOwn) {
  constexpr char kDiscovery[] = "rocketmq.clientmanager.discovery";
  Response response;
  EXPECT_EQ(Check(TestBroker(), kDiscovery, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
  ScriptedEtcd etcd;
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.registrar.etcd = etcd.address();
  TestBroker broker(options);
  Watcher watcher(broker, kDiscovery);
  Watcher server(broker, "");
  EXPECT_EQ(watcher.Read(), Response::SERVING);
  EXPECT_EQ(server.Read(), Response::SERVING);
  // A drain withdraws the entry, and its end puts it again.
  broker.controller().drain().Begin(absl::Hours(1), broker.clock().TimeNow());
  EXPECT_EQ(watcher.Read(), Response::NOT_SERVING);
  broker.controller().drain().Cancel(broker.clock().TimeNow());
  EXPECT_EQ(watcher.Read(), Response::SERVING);
}

TEST(HealthServiceTest, AWatcherThatReadsLateIsToldTheStatusThatIsNow) {
  TestBroker broker;
  Watcher watcher(broker, "");
  EXPECT_EQ(watcher.Read(), Response::SERVING);
  Drain& drain = broker.controller().drain();
  for (int i = 0; i < 100; ++i) {
    drain.Begin(absl::Hours(1), broker.clock().TimeNow());
    drain.Cancel(broker.clock().TimeNow());
  }
  drain.Begin(absl::Hours(1), broker.clock().TimeNow());
  broker.controller().Shutdown(absl::Seconds(50));
  int last = -1;
  for (int read; (read = watcher.Read()) != -1;) last = read;
  EXPECT_EQ(last, Response::NOT_SERVING);
}

TEST(HealthServiceTest, AWatcherOfAnUnknownServiceIsToldSo) {
  TestBroker broker;
  Watcher watcher(broker, "NameServer");
  EXPECT_EQ(watcher.Read(), Response::SERVICE_UNKNOWN);
}

// A call of Watch whose message may come later, or never.
class WatchWithoutAMessage {
 public:
  explicit WatchWithoutAMessage(const TestBroker& broker) {
    SetTestDeadline(context_);
    call_.reset(
        grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(
            broker.connection().get(), method_, &context_));
  }
  grpc::ClientReaderWriter<Request, Response>* operator->() {
    return call_.get();
  }

 private:
  const grpc::internal::RpcMethod method_{
      "/grpc.health.v1.Health/Watch",
      grpc::internal::RpcMethod::BIDI_STREAMING};
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> call_;
};

// Handled by the same thread, so what came before it on the connection has
// been.
void AwaitWhatCameBefore(const TestBroker& broker) {
  Response response;
  EXPECT_TRUE(Check(broker, "", &response).ok());
}

TEST(HealthServiceTest, AWatcherThatDoesNotSayOfWhatEndsAfterTenSeconds) {
  TestBroker broker;
  WatchWithoutAMessage silent(broker);
  Watcher watcher(broker, "");
  EXPECT_EQ(watcher.Read(), Response::SERVING);
  WatchWithoutAMessage late(broker);
  AwaitWhatCameBefore(broker);
  broker.clock().Advance(absl::Milliseconds(9999));
  ASSERT_TRUE(late->Write(Of("")));
  Response response;
  EXPECT_TRUE(late->Read(&response));
  EXPECT_EQ(response.status(), Response::SERVING);

  broker.clock().Advance(absl::Milliseconds(1));
  const grpc::Status status = silent->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(),
            "the call's message did not come within 10s");
  // Those that have said it stay.
  broker.clock().Advance(absl::Seconds(10));
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_EQ(watcher.Read(), Response::NOT_SERVING);
  EXPECT_TRUE(late->Read(&response));
  EXPECT_EQ(response.status(), Response::NOT_SERVING);
  EXPECT_EQ(late->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(HealthServiceTest, AWatcherThatHasNotSaidOfWhatDelaysNoStop) {
  TestBroker broker;
  WatchWithoutAMessage silent(broker);
  AwaitWhatCameBefore(broker);
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_EQ(silent->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(HealthServiceTest, WatchersOfOneAddressAreLimitedAndThereIsRoomAgain) {
  TestBroker broker;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (size_t i = 0; i < HealthService::kMostWatchesOfAnAddress; ++i) {
    watchers.push_back(std::make_unique<Watcher>(broker, ""));
    ASSERT_EQ(watchers.back()->Read(), Response::SERVING) << i;
  }
  Watcher refused(broker, "");
  EXPECT_EQ(refused.Read(), -1);
  const grpc::Status status = refused.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(),
            "calls of Watch from one address must be at most 1000");
  watchers.back()->Cancel();
  EXPECT_FALSE(watchers.back()->Finish().ok());
  bool is_served = false;
  for (int i = 0; i < 1000 && !is_served; ++i) {
    is_served = Watcher(broker, "").Read() == Response::SERVING;
  }
  EXPECT_TRUE(is_served);
}

TEST(HealthServiceTest, AMessageThatIsNoneOrTooLargeEndsTheWatch) {
  TestBroker broker;
  WatchWithoutAMessage none(broker);
  none->WritesDone();
  EXPECT_EQ(none->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Watcher large(broker, std::string(HealthService::kMostRequestBytes, 'x'));
  EXPECT_EQ(large.Read(), -1);
  EXPECT_EQ(large.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(HealthServiceTest, AWatcherThatLeftIsForgotten) {
  TestBroker broker;
  Watcher watcher(broker, "");
  EXPECT_EQ(watcher.Read(), Response::SERVING);
  watcher.Cancel();
  EXPECT_EQ(watcher.Finish().error_code(), grpc::StatusCode::CANCELLED);
  // Does not return before all calls are over.
  broker.controller().Shutdown(absl::Seconds(50));
}

TEST(HealthServiceTest, DuringADrainACheckSaysNotServing) {
  TestBroker broker(LargeAnswerOptions());
  // A client that does not read holds up the drain.
  const auto slow = broker.JoinAndStall("slow", "orders");
  std::thread stopper([&] { broker.controller().Shutdown(absl::Seconds(50)); });
  Response response;
  do {
    ASSERT_TRUE(Check(broker, "", &response).ok());
  } while (response.status() == Response::SERVING);
  EXPECT_EQ(response.status(), Response::NOT_SERVING);
  EXPECT_FALSE(slow->Finish().ok());
  stopper.join();
}

}  // namespace
}  // namespace rmq
