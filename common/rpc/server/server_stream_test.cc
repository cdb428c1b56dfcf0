#include "common/rpc/server/server_stream.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/client_network.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/response_code.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/acceptor/acceptor.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/loopback_server_testutil.h"
#include "common/rpc/server/push_counters.h"
#include "common/rpc/server/server_calls.h"
#include "common/rpc/server/transport_kind.h"
#include "common/rpc/server/unread_answers.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/rpc_service_method.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kMethod[] = "/test.Streams/Talk";
constexpr absl::Duration kSlowReaderLimit = absl::Seconds(30);
constexpr int kMostCalls = 2;
const std::string& kLarge = *new std::string(kLargeBytes, 'x');

// A service with one streaming method.
class Streams final : public grpc::Service {
 public:
  Streams() {
    AddMethod(new grpc::internal::RpcServiceMethod(
        kMethod, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
    MarkMethodAsync(0);
  }
  void RequestTalk(grpc::ServerContext* context,
                   grpc::GenericServerAsyncReaderWriter* call,
                   grpc::CompletionQueue* queue,
                   grpc::ServerCompletionQueue* announced_on, void* tag) {
    RequestAsyncBidiStreaming(0, context, call, queue, announced_on, tag);
  }
};

// What the reactors of a test have seen.
class Log {
 public:
  void Add(const std::string& line) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    lines_.push_back(line);
  }
  // Blocks until there is such a line.
  void Await(const std::string& line) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto found = [this, &line]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
    };
    mu_.Await(absl::Condition(&found));
  }
  std::vector<std::string> lines() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return lines_;
  }

  std::atomic<int> messages{0};
  // Streams that open send their initial metadata at once.
  std::atomic<bool> metadata_at_once{false};
  // Streams that open await their client.
  std::atomic<bool> awaits_client{true};

 private:
  absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

// Answers each message with itself, and does what some of them say.
class Talker final : public ServerStream::Reactor {
 public:
  Talker(const ServerStream::Environment* environment, ServerLoop* loop,
         Log* log)
      : log_(*log), stream_(environment, loop, this) {}

  void Accept(std::shared_ptr<Talker> self) { stream_.Accept(std::move(self)); }

  void OnOpened() override {
    if (log_.awaits_client) stream_.AwaitClient();
    if (log_.metadata_at_once) stream_.SendInitialMetadata();
  }
  bool OnMessage(grpc::ByteBuffer* message, grpc::ByteBuffer* reply) override {
    const std::string text = TextOf(*message);
    log_.messages.fetch_add(1);
    if (log_.awaits_client && !stream_.StopAwaitingClient()) return false;
    if (text == "end if waiting") stream_.EndIfWaiting(OverLimit("late"));
    if (text == "end") {
      CallStatus told = OverLimit("told to");
      told.end_reason = "TOLD";
      told.retry_after = absl::Milliseconds(1500);
      stream_.EndWith(told);
      stream_.EndWith(BadForm("too late"));
      return true;
    }
    if (text == "end after") {
      stream_.EndAfter(BytesOf("the last"), OverLimit("told to"));
      return true;
    }
    if (text == "push") Push("push", ServerStream::IfOneWaits::kReplacesIt);
    if (text == "replace" || text == "drop") {
      // The first is being written, so that the second waits.
      for (const char* push : {"first", "second"}) {
        Push(push, ServerStream::IfOneWaits::kReplacesIt);
      }
      Push("third", text == "drop" ? ServerStream::IfOneWaits::kIsDropped
                                   : ServerStream::IfOneWaits::kReplacesIt);
    }
    if (text == "silence") return false;
    message->Swap(reply);
    return true;
  }
  void OnReadsDone() override { log_.Add("reads done"); }
  void OnGone() override { log_.Add("gone"); }

 private:
  void Push(const std::string& text, ServerStream::IfOneWaits if_one_waits) {
    stream_.Push(
        "a key", [text] { return BytesOf(absl::StrCat(text, " made")); },
        if_one_waits);
  }

  Log& log_;
  ServerStream stream_;
};

// One call as a client makes it. Blocking.
class Call {
 public:
  explicit Call(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(channel) {
    context_.set_deadline(InAMinute());
    call_ = stub_.PrepareCall(&context_, kMethod, &queue_);
    call_->StartCall(this);
    AwaitEvent(&queue_);
  }
  ~Call() { context_.TryCancel(); }

  bool Write(const std::string& text) {
    call_->Write(BytesOf(text), this);
    return AwaitEvent(&queue_);
  }
  void HalfClose() {
    call_->WritesDone(this);
    AwaitEvent(&queue_);
  }
  // Blocks until the server's initial metadata is here.
  bool AwaitInitialMetadata() {
    call_->ReadInitialMetadata(this);
    return AwaitEvent(&queue_);
  }
  // Nothing if the stream is over.
  absl::optional<std::string> Read() {
    grpc::ByteBuffer bytes;
    call_->Read(&bytes, this);
    if (!AwaitEvent(&queue_)) return absl::nullopt;
    return TextOf(bytes);
  }
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    AwaitEvent(&queue_);
    return status;
  }
  void Cancel() { context_.TryCancel(); }
  std::string Trailing(const std::string& key) const {
    return TrailingOf(context_, key);
  }

 private:
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

class ServerStreamTest : public LoopbackServerTest {
 protected:
  // Starts a server whose clients may send one message only, or several.
  void Start(bool client_sends_once = false) {
    environment_.client_sends_once = client_sends_once;
    environment_.request = [this](auto... arguments) {
      service_.RequestTalk(arguments...);
    };
    environment_.accept_next = [this](ServerLoop* loop) { Accept(loop); };
    environment_.too_late = "the client said nothing";
    environment_.awaiting = &calls_.unfinished;
    environment_.pushes = &pushes_;
    environment_.method = &method_;
    environment_.calls = &calls_;
    grpc::ServerBuilder builder;
    takes_over_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        PlaintextServerCredentials().Get());
    builder.RegisterService(&service_);
    StartServer(&builder);
    Accept(loop_.get());
    RunLoop();
    const absl::StatusOr<std::string> address =
        acceptor_.Listen({"127.0.0.1", 0});
    ASSERT_TRUE(address.ok());
    ASSERT_TRUE(acceptor_.Start({}).ok());
    ConnectTo(*address);
  }

  void TearDown() override {
    acceptor_.Stop();
    StopServer(&calls_.live);
  }

  // Returns when all calls are over.
  void AwaitEndOfCalls() {
    acceptor_.Stop();
    LoopbackServerTest::AwaitEndOfCalls(&calls_.live);
  }

  void Accept(ServerLoop* loop) {
    const auto talker = std::make_shared<Talker>(&environment_, loop, &log_);
    talker->Accept(talker);
  }

  static ServerCalls::Options Options() {
    ServerCalls::Options options;
    options.connections.max_calls = kMostCalls;
    options.slow_reader_limit = kSlowReaderLimit;
    // More than is sent here: one that is on its way is no waste.
    options.connections.max_message_bytes = 100'000'000;
    return options;
  }

  // Returns when a large reply is being written.
  void AwaitUnread() {
    while (calls_.unread.bytes() == 0) std::this_thread::yield();
  }

  // A write is watched, and no stream awaits its client any more.
  void OnDue(absl::Time /*due*/) {
    if (calls_.slow_readers.size() == 0 || is_watched_.HasBeenNotified())
      return;
    is_watched_.Notify();
  }

  SimulatedClock clock_;
  Log log_;
  AllowAllAuthorizer authorizer_;
  CallCounters counters_{[](const auto&) { return 0; }};
  MethodCounters method_{nullptr, 0};
  PushCounters pushes_;
  // One of the streams is watched.
  absl::Notification is_watched_;
  ServerCalls calls_{Options(),    &authorizer_,
                     CallStatus(), &counters_,
                     &clock_,      [this](absl::Time due) { OnDue(due); }};
  ServerStream::Environment environment_;
  Streams service_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> takes_over_;
  // By the real clock, since a test's does not move by itself.
  Acceptor acceptor_{
      {}, &calls_.connections, &RealClock(), [this](TransportKind, int fd) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
            connection;
        connection.fd = fd;
        takes_over_->HandleNewConnection(&connection);
      }};
};

TEST_F(ServerStreamTest, RepliesComeInTheOrderOfTheMessages) {
  Start();
  Call call(channel_);
  for (const char* text : {"one", "silence", "two", "three"}) {
    ASSERT_TRUE(call.Write(text));
  }
  EXPECT_EQ(call.Read(), "one");
  EXPECT_EQ(call.Read(), "two");
  EXPECT_EQ(call.Read(), "three");
}

TEST_F(ServerStreamTest, TheInitialMetadataMayComeBeforeAnyMessage) {
  log_.metadata_at_once = true;
  Start();
  Call call(channel_);
  EXPECT_TRUE(call.AwaitInitialMetadata());
  ASSERT_TRUE(call.Write("one"));
  EXPECT_EQ(call.Read(), "one");
}

TEST_F(ServerStreamTest, APushIsMadeWhenItIsWritten) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("push"));
  EXPECT_EQ(call.Read(), "push made");
  EXPECT_EQ(call.Read(), "push");
  EXPECT_EQ(pushes_.sent, 1);
  EXPECT_EQ(pushes_.dropped, 0);
}

TEST_F(ServerStreamTest, APushReplacesTheOneOfItsKeyThatWaits) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("replace"));
  EXPECT_EQ(call.Read(), "first made");
  EXPECT_EQ(call.Read(), "replace");
  EXPECT_EQ(call.Read(), "third made");
  EXPECT_EQ(pushes_.sent, 2);
  EXPECT_EQ(pushes_.coalesced, 1);
}

TEST_F(ServerStreamTest, APushMayLeaveTheOneThatWaitsAsItIs) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("drop"));
  EXPECT_EQ(call.Read(), "first made");
  EXPECT_EQ(call.Read(), "drop");
  EXPECT_EQ(call.Read(), "second made");
  EXPECT_EQ(pushes_.sent, 2);
  EXPECT_EQ(pushes_.coalesced, 1);
}

TEST_F(ServerStreamTest, AHalfCloseEndsTheStreamOnceItsRepliesAreWritten) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("one"));
  call.HalfClose();
  EXPECT_EQ(call.Read(), "one");
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_TRUE(call.Finish().ok());
  log_.Await("gone");
  EXPECT_THAT(log_.lines(), ElementsAre("reads done", "gone"));
}

TEST_F(ServerStreamTest, TheFirstEndCountsAndGoesWithItsReason) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("end"));
  EXPECT_EQ(call.Read(), absl::nullopt);
  const grpc::Status status = call.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "told to");
  EXPECT_EQ(call.Trailing("rocketmq-response-code"), "2");
  EXPECT_EQ(call.Trailing("rocketmq-end-reason"), "TOLD");
  EXPECT_EQ(call.Trailing("rocketmq-retry-after-ms"), "1500");
}

TEST_F(ServerStreamTest, TheLastMessageIsWrittenBeforeTheEndAndNoneAfterIt) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("end after"));
  EXPECT_EQ(call.Read(), "the last");
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_EQ(call.Finish().error_message(), "told to");
}

TEST_F(ServerStreamTest, AClientThatDoesNotActInTimeIsRefused) {
  Start();
  Call silent(channel_);
  Call active(channel_);
  ASSERT_TRUE(active.Write("one"));
  EXPECT_EQ(active.Read(), "one");
  ASSERT_EQ(calls_.unfinished.size(), 1);
  clock_.Advance(ServerCalls::kFirstMessageLimit);
  calls_.unfinished.Run(clock_.TimeNow());
  EXPECT_EQ(silent.Read(), absl::nullopt);
  const grpc::Status status = silent.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(), "the client said nothing");
  EXPECT_EQ(method_.refusals().value(absl::StatusCode::kDeadlineExceeded), 1);
  ASSERT_TRUE(active.Write("two"));
  EXPECT_EQ(active.Read(), "two");
}

TEST_F(ServerStreamTest, AConnectionWithoutRoomIsRefusedUntilACallEnds) {
  Start();
  Call first(channel_);
  ASSERT_TRUE(first.Write("one"));
  EXPECT_EQ(first.Read(), "one");
  {
    Call second(channel_);
    ASSERT_TRUE(second.Write("one"));
    EXPECT_EQ(second.Read(), "one");
    Call refused(channel_);
    EXPECT_EQ(refused.Read(), absl::nullopt);
    EXPECT_EQ(refused.Finish().error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
    second.HalfClose();
    EXPECT_EQ(second.Read(), absl::nullopt);
    EXPECT_TRUE(second.Finish().ok());
    log_.Await("reads done");
  }
  bool is_served = false;
  for (int i = 0; i < 100 && !is_served; ++i) {
    Call later(channel_);
    is_served = later.Write("one") && later.Read() == "one";
  }
  EXPECT_TRUE(is_served);
}

TEST_F(ServerStreamTest, AClientThatSendsOnceAndLeavesIsNoticed) {
  Start(/*client_sends_once=*/true);
  Call call(channel_);
  ASSERT_TRUE(call.Write("one"));
  call.HalfClose();
  EXPECT_EQ(call.Read(), "one");
  // The end of its messages is not the end of the stream.
  EXPECT_THAT(log_.lines(), IsEmpty());
  call.Cancel();
  EXPECT_FALSE(call.Finish().ok());
  log_.Await("gone");
  EXPECT_THAT(log_.lines(), ElementsAre("gone"));
}

TEST_F(ServerStreamTest, AMessageThatIsNotReadEndsAClientThatSendsOnce) {
  Start(/*client_sends_once=*/true);
  Call call(channel_);
  ASSERT_TRUE(call.Write(kLarge));
  is_watched_.WaitForNotification();
  clock_.Advance(kSlowReaderLimit);
  calls_.slow_readers.Run(clock_.TimeNow());
  log_.Await("gone");
  EXPECT_EQ(counters_.slow_readers, 1);
  EXPECT_EQ(method_.refusals().value(absl::StatusCode::kCancelled), 1);
}

TEST_F(ServerStreamTest, WhileALargeReplyWaitsNoFurtherMessageIsRead) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write(kLarge));
  AwaitUnread();
  ASSERT_TRUE(call.Write(std::string(ServerStream::kMaxWaitingBytes, 'x')));
  ASSERT_TRUE(call.Write("silence"));
  while (log_.messages < 2) std::this_thread::yield();
  EXPECT_EQ(log_.messages, 2);
  EXPECT_EQ(call.Read(), kLarge);
  EXPECT_EQ(call.Read()->size(), ServerStream::kMaxWaitingBytes);
  ASSERT_TRUE(call.Write("one"));
  EXPECT_EQ(call.Read(), "one");
  EXPECT_EQ(log_.messages, 4);
  EXPECT_EQ(calls_.unread.bytes(), 0);
}

TEST_F(ServerStreamTest, ALargeReplyThatIsNotReadCountsAmongTheUnread) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write(kLarge));
  AwaitUnread();
  EXPECT_EQ(calls_.unread.bytes(), kLarge.size());
  // One more of the address, so that it has too much.
  calls_.unread.Add({}, ClientNetworkOf("127.0.0.1:1"),
                    UnreadAnswers::kMostBytesOfAnAddress);
  calls_.unread.Limit(ClientNetworkOf("127.0.0.1:1"));
  log_.Await("gone");
  EXPECT_EQ(counters_.slow_readers, 1);
}

TEST_F(ServerStreamTest, AStreamThatAwaitsNobodyIsNotEndedForWhatItHasRead) {
  log_.awaits_client = false;
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("end if waiting"));
  EXPECT_EQ(call.Read(), "end if waiting");
  ASSERT_TRUE(call.Write("one"));
  EXPECT_EQ(call.Read(), "one");
}

TEST_F(ServerStreamTest, ALargeReplyThatWaitsBehindAnotherCountsToo) {
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write(kLarge));
  AwaitUnread();
  const std::string second(ServerStream::kMaxWaitingBytes, 'x');
  ASSERT_TRUE(call.Write(second));
  const auto both = static_cast<int64_t>(kLarge.size() + second.size());
  while (calls_.unread.bytes() < both) std::this_thread::yield();
  call.Cancel();
  AwaitEndOfCalls();
  EXPECT_EQ(calls_.unread.bytes(), 0);
}

TEST_F(ServerStreamTest, ACallThatIsOverIsNotWatchedForReading) {
  Start();
  for (const bool leaves : {false, true}) {
    Call call(channel_);
    ASSERT_TRUE(call.Write("one"));
    EXPECT_EQ(call.Read(), "one");
    if (leaves) {
      call.Cancel();
    } else {
      call.HalfClose();
    }
    EXPECT_EQ(call.Finish().ok(), !leaves);
  }
  AwaitEndOfCalls();
  EXPECT_TRUE(is_watched_.HasBeenNotified());  // Its status waited.
  EXPECT_EQ(calls_.slow_readers.size(), 0);
}

TEST_F(ServerStreamTest, ACallOfAClientThatSendsOnceIsNotWatchedOnceItIsOver) {
  Start(/*client_sends_once=*/true);
  {
    Call call(channel_);
    ASSERT_TRUE(call.Write("one"));
    EXPECT_EQ(call.Read(), "one");
    is_watched_.WaitForNotification();
  }
  AwaitEndOfCalls();
  EXPECT_EQ(calls_.slow_readers.size(), 0);
}

TEST_F(ServerStreamTest, AnErrorHasNoResponseCodeIfItsMethodSendsNone) {
  environment_.sends_response_code = false;
  Start();
  Call call(channel_);
  ASSERT_TRUE(call.Write("end"));
  EXPECT_EQ(call.Read(), absl::nullopt);
  EXPECT_FALSE(call.Finish().ok());
  EXPECT_EQ(call.Trailing("rocketmq-response-code"), "");
  EXPECT_EQ(call.Trailing("rocketmq-end-reason"), "TOLD");
}

}  // namespace
}  // namespace rmq
