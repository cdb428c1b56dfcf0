#include "common/rpc/server/response_streams.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/loopback_server_testutil.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/recording_authorizer.h"
#include "common/rpc/server/response_source.h"
#include "common/rpc/server/server_calls.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
// The tested method has the messages of health's Watch, and another meaning.
using Health = grpc::health::v1::Health;
using Request = grpc::health::v1::HealthCheckRequest;
using Response = grpc::health::v1::HealthCheckResponse;

constexpr int kWatch = 1;  // The method's index in the proto.
constexpr absl::Duration kSlowReaderLimit = absl::Seconds(30);

const google::protobuf::MethodDescriptor& WatchDescriptor() {
  return *Request::descriptor()->file()->FindServiceByName("Health")->method(
      kWatch);
}

class Service final : public Health::Service {
 public:
  Service() {
    MarkMethodGeneric(0);
    MarkMethodStreamed(kWatch, nullptr);
  }
  void RequestWatch(grpc::ServerContext* context,
                    grpc::GenericServerAsyncReaderWriter* call,
                    grpc::CompletionQueue* queue,
                    grpc::ServerCompletionQueue* announced_on, void* tag) {
    RequestAsyncBidiStreaming(kWatch, context, call, queue, announced_on, tag);
  }
};

NextResponse Number(int number) {
  Response response;
  response.set_status(static_cast<Response::ServingStatus>(number));
  return NextResponse::Of(response, /*rows=*/number);
}

// Says what the test tells it to.
class Script final : public ResponseSource {
 public:
  Script(ResponseWaker waker, std::function<void()> on_gone)
      : waker_(std::move(waker)), on_gone_(std::move(on_gone)) {}
  ~Script() override { on_gone_(); }

  void Say(NextResponse next) {
    std::vector<NextResponse> one;
    one.push_back(std::move(next));
    Say(std::move(one));
  }
  // All are there before the first one is asked for.
  void Say(std::vector<NextResponse> next) {
    {
      MutexLock lock(&mu_);
      for (NextResponse& one : next) says_.push_back(std::move(one));
    }
    waker_.Wake();
  }
  // Has `act` called, once, when the source is asked after `pulls` responses.
  void ActAfter(int pulls, std::function<void()> act) {
    MutexLock lock(&mu_);
    act_after_ = pulls;
    act_ = std::move(act);
  }

  NextResponse Next(absl::Time /*now*/) override {
    std::function<void()> act;
    {
      MutexLock lock(&mu_);
      if (pulls_ == act_after_) act = std::exchange(act_, nullptr);
    }
    if (act != nullptr) act();
    MutexLock lock(&mu_);
    if (says_.empty()) return NextResponse::Nothing();
    NextResponse next = std::move(says_.front());
    says_.pop_front();
    ++pulls_;
    return next;
  }

  // Responses that were made.
  int pulls() {
    MutexLock lock(&mu_);
    return pulls_;
  }

 private:
  const ResponseWaker waker_;
  const std::function<void()> on_gone_;
  absl::Mutex mu_;
  std::deque<NextResponse> says_ ABSL_GUARDED_BY(mu_);
  int pulls_ ABSL_GUARDED_BY(mu_) = 0;
  int act_after_ ABSL_GUARDED_BY(mu_) = 0;
  std::function<void()> act_ ABSL_GUARDED_BY(mu_);
};

// A call as a client makes it. Blocking.
class Call {
 public:
  Call(const std::shared_ptr<grpc::Channel>& channel,
       const std::string& service)
      : stub_(Health::NewStub(channel)) {
    context_.set_deadline(InAMinute());
    Request request;
    request.set_service(service);
    reader_ = stub_->Watch(&context_, request);
  }

  // Nothing if the call is over.
  absl::optional<int> Read() {
    Response response;
    if (!reader_->Read(&response)) return absl::nullopt;
    return response.status();
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() { return reader_->Finish(); }
  // After Finish().
  std::string Trailing(const std::string& key) const {
    return TrailingOf(context_, key);
  }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<Health::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<Response>> reader_;
};

class ResponseStreamsTest : public LoopbackServerTest {
 protected:
  ResponseStreamsTest() {
    calls_.methods.AddStreaming(WatchDescriptor());
    streams_ = std::make_unique<ResponseStreams>(
        ResponsesMethod::Of<Request>(
            WatchDescriptor(), {/*calls=*/3, /*calls_of_a_payer=*/2},
            [](const Request& request) {
              CallResources resources;
              resources.groups.push_back(request.service());
              return resources;
            },
            [this](const CallContext& call, const Request& request,
                   ResponseWaker waker,
                   std::shared_ptr<ResponseSource>* source) {
              return Answer(call, request, std::move(waker), source);
            }),
        [this](auto... arguments) { service_.RequestWatch(arguments...); },
        &calls_);
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    builder.RegisterAsyncGenericService(&generic_);
    StartServer(&builder);
    streams_->Accept(loop_.get());
    RunLoop();
  }

  void TearDown() override { StopServer(&calls_.live); }

  CallStatus Answer(const CallContext& call, const Request& request,
                    ResponseWaker waker,
                    std::shared_ptr<ResponseSource>* source) {
    if (request.service() == "bad") {
      return BadForm(absl::StrCat("no ", call.method.name()));
    }
    auto script = std::make_shared<Script>(std::move(waker), [this] {
      MutexLock lock(&mu_);
      ++gone_;
    });
    if (request.service() == "three at once") {
      for (const int number : {1, 2, 3}) script->Say(Number(number));
    }
    *source = script;
    MutexLock lock(&mu_);
    scripts_.push_back(script);
    return {};
  }

  // The source of the call that came as the `number`th, from 0.
  std::shared_ptr<Script> AwaitScript(size_t number = 0) {
    MutexLock lock(&mu_);
    const auto is_there = [this, number]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return scripts_.size() > number;
    };
    mu_.Await(absl::Condition(&is_there));
    return scripts_[number].lock();
  }
  // Blocks until so many sources are gone.
  void AwaitGone(int count) {
    MutexLock lock(&mu_);
    const auto enough = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return gone_ >= count;
    };
    mu_.Await(absl::Condition(&enough));
  }

  static ServerCalls::Options Options() {
    ServerCalls::Options options;
    options.slow_reader_limit = kSlowReaderLimit;
    options.max_message_bytes = 1000;
    options.rates.max_listed_rows_rate = 10;
    return options;
  }

  const MethodCounters& counters() {
    return *calls_.methods.Find(WatchDescriptor())->counters;
  }
  int64_t Refusals(absl::StatusCode code) {
    return counters().refusals().value(code);
  }

  SimulatedClock clock_;
  RecordingAuthorizer authorizer_;
  absl::Mutex mu_;
  std::vector<std::weak_ptr<Script>> scripts_ ABSL_GUARDED_BY(mu_);
  int gone_ ABSL_GUARDED_BY(mu_) = 0;
  CallCounters counters_{[](const auto&) { return 0; }};
  CallStatus draining_ = {absl::StatusCode::kUnavailable,
                          ResponseCode::kSystemError, "DRAINED"};
  ServerCalls calls_{Options(),  &authorizer_, draining_,
                     &counters_, &clock_,      [](absl::Time /*due*/) {}};
  Service service_;
  grpc::AsyncGenericService generic_;  // Of the method that is not tested.
  std::unique_ptr<ResponseStreams> streams_;
};

TEST_F(ResponseStreamsTest, ResponsesComeInTheOrderInWhichTheSourceMakesThem) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  for (const int number : {1, 2, 3}) script->Say(Number(number));
  EXPECT_EQ(call.Read(), 1);
  EXPECT_EQ(call.Read(), 2);
  EXPECT_EQ(call.Read(), 3);
  EXPECT_EQ(counters().calls(), 1);
}

TEST_F(ResponseStreamsTest, ResponsesThatAreThereTogetherAllCome) {
  Call call(channel_, "three at once");
  for (const int number : {1, 2, 3}) EXPECT_EQ(call.Read(), number);
  const std::shared_ptr<Script> script = AwaitScript();
  script->Say(Number(4));
  EXPECT_EQ(call.Read(), 4);
}

TEST_F(ResponseStreamsTest, ASourceThatHadNothingIsAskedAgainWhenItWakes) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  for (const int number : {1, 2, 3}) {
    script->Say(Number(number));
    EXPECT_EQ(call.Read(), number);
  }
}

TEST_F(ResponseStreamsTest, TheGateIsToldWhatTheRequestNames) {
  Call call(channel_, "orders");
  AwaitScript();
  EXPECT_EQ(authorizer_.last().call, "Watch");
  EXPECT_THAT(authorizer_.last().groups, ElementsAre("orders"));
}

TEST_F(ResponseStreamsTest, WhileTheServerDrainsACallIsRefused) {
  calls_.gate.BeginGoingDown();
  Call call(channel_, "orders");
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_EQ(call.Finish().error_message(), "DRAINED");
  EXPECT_EQ(Refusals(absl::StatusCode::kUnavailable), 1);
}

TEST_F(ResponseStreamsTest, AnErrorOfTheHandlerEndsTheCall) {
  Call call(channel_, "bad");
  EXPECT_EQ(call.Read(), absl::nullopt);
  const grpc::Status status = call.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "no Watch");
  EXPECT_EQ(call.Trailing("rocketmq-response-code"), "1");
  EXPECT_EQ(Refusals(absl::StatusCode::kInvalidArgument), 1);
}

TEST_F(ResponseStreamsTest, TheSourceEndsTheCallAfterItsResponses) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  script->Say(Number(1));
  CallStatus end = OverLimit("too slow");
  end.end_reason = "SLOW";
  script->Say(NextResponse::End(end));
  EXPECT_EQ(call.Read(), 1);
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_EQ(call.Finish().error_message(), "too slow");
  EXPECT_EQ(call.Trailing("rocketmq-end-reason"), "SLOW");
  EXPECT_EQ(Refusals(absl::StatusCode::kResourceExhausted), 1);
}

TEST_F(ResponseStreamsTest, AnEndThatIsOkIsNoRefusal) {
  Call call(channel_, "orders");
  AwaitScript()->Say(NextResponse::End(CallStatus()));
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_TRUE(call.Finish().ok());
  EXPECT_EQ(Refusals(absl::StatusCode::kOk), 0);
}

TEST_F(ResponseStreamsTest, TheSourceGoesWithItsCall) {
  {
    Call call(channel_, "orders");
    AwaitScript();
    EXPECT_EQ(streams_->size(), 1);
    call.Cancel();
    AwaitGone(1);
  }
  EXPECT_EQ(streams_->size(), 0);
}

TEST_F(ResponseStreamsTest, AnAddressHasRoomForTwoCallsAndAThirdIsRefused) {
  Call first(channel_, "orders");
  Call second(channel_, "orders");
  AwaitScript(1);
  {
    Call third(channel_, "orders");
    EXPECT_EQ(third.Read(), absl::nullopt);
    const grpc::Status status = third.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(status.error_message(),
              "open calls of Watch from one address must be at most 2");
  }
  first.Cancel();
  AwaitGone(1);
  Call fourth(channel_, "orders");
  EXPECT_NE(AwaitScript(2), nullptr);
}

TEST_F(ResponseStreamsTest, AUserHasRoomOfHisOwnBehindTheAddressOfOthers) {
  Call first(channel_, "orders");
  Call second(channel_, "orders");
  AwaitScript(1);
  authorizer_.SetRules(7, "pay");
  Call his(channel_, "orders");
  EXPECT_NE(AwaitScript(2), nullptr);
  // All have three together.
  Call one_more(channel_, "orders");
  EXPECT_EQ(one_more.Read(), absl::nullopt);
  EXPECT_EQ(one_more.Finish().error_message(),
            "open calls of Watch must be at most 3");
}

TEST_F(ResponseStreamsTest, AUserHasNoMoreRoomThanAnAddress) {
  authorizer_.SetRules(7, "pay");
  Call first(channel_, "orders");
  Call second(channel_, "orders");
  AwaitScript(1);
  Call third(channel_, "orders");
  EXPECT_EQ(third.Read(), absl::nullopt);
  EXPECT_EQ(third.Finish().error_message(),
            "open calls of Watch of one user must be at most 2");
  authorizer_.SetRules(8, "ship");
  Call another(channel_, "orders");
  EXPECT_NE(AwaitScript(2), nullptr);
}

// A call whose message does not come.
class SilentCall {
 public:
  explicit SilentCall(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(channel),
        call_(stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch",
                                &queue_)) {
    call_->StartCall(nullptr);
    AwaitEvent(&queue_);
  }
  ~SilentCall() {
    context_.TryCancel();
    grpc::Status status;
    call_->Finish(&status, nullptr);
    AwaitEvent(&queue_);
  }

 private:
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST_F(ResponseStreamsTest, CallsThatAwaitTheirMessageTakeNoRoom) {
  const SilentCall silent[] = {SilentCall(channel_), SilentCall(channel_),
                               SilentCall(channel_)};
  Call call(channel_, "orders");
  EXPECT_NE(AwaitScript(), nullptr);
  EXPECT_EQ(streams_->size(), 4);
}

TEST_F(ResponseStreamsTest, AMessageThatIsTooLargeIsRefused) {
  Call call(channel_, std::string(1000, 'a'));
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_THAT(call.Finish().error_message(),
              HasSubstr("message must be at most 1000 bytes, got 1003"));
}

TEST_F(ResponseStreamsTest, RowsAreTakenFromTheAddressesRate) {
  {
    Call call(channel_, "orders");
    AwaitScript()->Say(Number(21));  // The burst is 20.
    EXPECT_EQ(call.Read(), 21);
  }
  Call next(channel_, "orders");
  EXPECT_EQ(next.Read(), absl::nullopt);
  EXPECT_THAT(next.Finish().error_message(), HasSubstr("rows of listings"));
}

TEST_F(ResponseStreamsTest, CloseEndsEachCallAndThoseThatStillCome) {
  Call call(channel_, "orders");
  AwaitScript();
  CallStatus drained = draining_;
  drained.end_reason = "DRAINED";
  streams_->Close(drained);
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(call.Trailing("rocketmq-end-reason"), "DRAINED");
  Call late(channel_, "orders");
  EXPECT_EQ(late.Read(), absl::nullopt);
  EXPECT_EQ(late.Finish().error_message(), "DRAINED");
}

TEST_F(ResponseStreamsTest, AClientThatDoesNotReadIsCutOff) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  NextResponse large;
  large.outcome = NextResponse::Outcome::kResponse;
  large.bytes = BytesOf(std::string(kLargeBytes, 'x'));
  script->Say(std::move(large));
  script->Say(Number(1));
  while (calls_.slow_readers.size() == 0) std::this_thread::yield();
  clock_.Advance(kSlowReaderLimit - absl::Milliseconds(1));
  calls_.slow_readers.Run(clock_.TimeNow());
  EXPECT_EQ(counters_.slow_readers, 0);
  EXPECT_EQ(script->pulls(), 1);  // Nothing is made ahead.
  clock_.Advance(absl::Milliseconds(1));
  calls_.slow_readers.Run(clock_.TimeNow());
  EXPECT_EQ(counters_.slow_readers, 1);
  EXPECT_EQ(Refusals(absl::StatusCode::kCancelled), 1);
}

TEST_F(ResponseStreamsTest, WakesOfManyThreadsLoseNothing) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  constexpr int kThreads = 4;
  constexpr int kOfEach = 200;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&script] {
      for (int j = 0; j < kOfEach; ++j) script->Say(Number(0));
    });
  }
  for (int i = 0; i < kThreads * kOfEach; ++i) EXPECT_EQ(call.Read(), 0);
  for (std::thread& thread : threads) thread.join();
}

NextResponse GoingOn(int number) {
  NextResponse next = Number(number);
  next.goes_on = true;
  return next;
}

TEST_F(ResponseStreamsTest, AnEndWaitsForTheResponsesThatBelongToTheLastOne) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  script->ActAfter(1, [this] { streams_->Close(draining_); });
  std::vector<NextResponse> responses;
  responses.push_back(GoingOn(1));
  responses.push_back(GoingOn(2));
  responses.push_back(Number(3));
  responses.push_back(Number(4));
  script->Say(std::move(responses));
  EXPECT_EQ(call.Read(), 1);
  EXPECT_EQ(call.Read(), 2);
  EXPECT_EQ(call.Read(), 3);
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_EQ(call.Finish().error_message(), "DRAINED");
}

TEST_F(ResponseStreamsTest, AnEndThatWaitsComesWhenThereIsNothingMore) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  script->ActAfter(1, [this] { streams_->EndAll(draining_); });
  script->Say(GoingOn(1));
  EXPECT_EQ(call.Read(), 1);
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_EQ(call.Finish().error_message(), "DRAINED");
}

TEST_F(ResponseStreamsTest, AnEndLetsNoFurtherResponseOut) {
  Call call(channel_, "orders");
  const std::shared_ptr<Script> script = AwaitScript();
  script->Say(Number(1));
  EXPECT_EQ(call.Read(), 1);
  streams_->EndAll(draining_);
  script->Say(GoingOn(2));
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_EQ(call.Finish().error_message(), "DRAINED");
}

}  // namespace
}  // namespace rmq
