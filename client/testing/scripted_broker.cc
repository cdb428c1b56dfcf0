#include "client/testing/scripted_broker.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/session/proto_duration.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "glog/logging.h"
#include "grpc/support/time.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/server_callback.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr uint64_t kToken = 4711;
constexpr uint64_t kIncarnation = 4712;

std::string MetadataOf(const grpc::CallbackServerContext& context,
                       const std::string& key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return std::string(found->second.data(), found->second.size());
}

std::string CommonNameOf(const grpc::CallbackServerContext& context) {
  const auto names =
      context.auth_context()->FindPropertyValues("x509_common_name");
  if (names.empty()) return "";
  return std::string(names[0].data(), names[0].size());
}

}  // namespace

// Holds itself from Open() until OnDone().
class ScriptedBroker::Stream final
    : public grpc::ServerBidiReactor<v1::ClientFrame, v1::BrokerFrame> {
 public:
  static Stream* Open(ScriptedBroker* broker,
                      grpc::CallbackServerContext* context) {
    auto stream = std::make_shared<Stream>(broker, context);
    stream->self_ = stream;
    broker->OnOpen(
        stream, context->peer(),
        {CommonNameOf(*context), MetadataOf(*context, "authorization"),
         MetadataOf(*context, "x-mq-date-time")});
    stream->StartRead(&stream->frame_);
    return stream.get();
  }

  Stream(ScriptedBroker* broker, grpc::CallbackServerContext* context)
      : broker_(*broker), context_(*context) {}

  void Send(v1::BrokerFrame frame) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (ending_) return;
    outbox_.push_back(std::move(frame));
    if (outbox_.size() == 1) StartWrite(&outbox_.front());
  }

  void End(grpc::Status status, const std::string& end_reason = "",
           const std::string& retry_after_ms = "") ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(&mu_);
      if (std::exchange(ending_, true)) return;
      if (!end_reason.empty()) {
        context_.AddTrailingMetadata("rocketmq-end-reason", end_reason);
      }
      if (!retry_after_ms.empty()) {
        context_.AddTrailingMetadata("rocketmq-retry-after-ms", retry_after_ms);
      }
      status_ = status;
      if (!outbox_.empty()) return;  // OnWriteDone() finishes.
    }
    Finish(std::move(status));
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      broker_.OnFrame(this, frame_);
      StartRead(&frame_);
    } else if (broker_.AnswersHalfClose()) {
      End(grpc::Status::OK);
    }
  }

  void OnWriteDone(bool) override ABSL_LOCKS_EXCLUDED(mu_) {
    grpc::Status status;
    {
      MutexLock lock(&mu_);
      outbox_.pop_front();
      if (!outbox_.empty()) {
        StartWrite(&outbox_.front());
        return;
      }
      if (!ending_) return;
      status = status_;
    }
    Finish(std::move(status));
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    const std::shared_ptr<Stream> self = std::move(self_);
    broker_.OnEnded();
  }

 private:
  ScriptedBroker& broker_;
  grpc::CallbackServerContext& context_;  // Lives until OnDone().
  std::shared_ptr<Stream> self_;
  v1::ClientFrame frame_;

  absl::Mutex mu_;
  std::deque<v1::BrokerFrame> outbox_ ABSL_GUARDED_BY(mu_);
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mu_);
};

class ScriptedBroker::Unary final : public grpc::ServerUnaryReactor {
 public:
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }
};

class ScriptedBroker::Service final
    : public v1::ClientManager::CallbackService {
 public:
  explicit Service(ScriptedBroker* broker) : broker_(*broker) {}

  grpc::ServerBidiReactor<v1::ClientFrame, v1::BrokerFrame>* Connect(
      grpc::CallbackServerContext* context) override {
    return Stream::Open(&broker_, context);
  }

  grpc::ServerUnaryReactor* GetConsumerListByGroup(
      grpc::CallbackServerContext* context,
      const v1::GetConsumerListByGroupRequest* request,
      v1::GetConsumerListByGroupResponse* response) override {
    MutexLock lock(&broker_.mu_);
    if (broker_.holding_) {
      ++broker_.held_calls_;
      broker_.changed_.SignalAll();
      return new Unary;
    }
    const auto it = broker_.consumer_ids_.find(request->group());
    grpc::Status status;
    if (it == broker_.consumer_ids_.end()) {
      status = {grpc::StatusCode::NOT_FOUND, "no consumer in this group"};
    } else {
      response->set_broker_name("scripted");
      response->set_broker_id(7);
      response->set_epoch(broker_.epoch_);
      if (broker_.settling_ > absl::ZeroDuration()) {
        *response->mutable_settling_until() = ToProto(broker_.settling_);
      }
      // Pages of two; a page token is the index of its first id.
      size_t next = 0;
      CHECK(request->page_token().empty() ||
            absl::SimpleAtoi(request->page_token(), &next));
      const size_t end = std::min(next + 2, it->second.size());
      for (; next < end; ++next) response->add_client_ids(it->second[next]);
      if (end < it->second.size()) {
        response->set_next_page_token(absl::StrCat(end));
      }
    }
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }

  // Takes every expression that does not end with ">".
  grpc::ServerUnaryReactor* CheckClientConfig(
      grpc::CallbackServerContext* context,
      const v1::CheckClientConfigRequest* request,
      v1::CheckClientConfigResponse*) override {
    {
      MutexLock lock(&broker_.mu_);
      if (broker_.holding_) {
        ++broker_.held_calls_;
        broker_.changed_.SignalAll();
        return new Unary;
      }
    }
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(absl::EndsWith(request->subscription().expression(), ">")
                        ? grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                                       "unexpected end of expression")
                        : grpc::Status::OK);
    return reactor;
  }

 private:
  ScriptedBroker& broker_;
};

ScriptedBroker::ScriptedBroker(
    std::shared_ptr<grpc::ServerCredentials> credentials)
    : service_(std::make_unique<Service>(this)) {
  if (credentials == nullptr) credentials = PlaintextServerCredentials().Get();
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  CHECK(server_ != nullptr);
  address_ = absl::StrCat("127.0.0.1:", port);
}

ScriptedBroker::~ScriptedBroker() {
  // A deadline in the past: what is open is cancelled.
  server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
  server_->Wait();
}

void ScriptedBroker::SetChannelExpiry(absl::Duration expiry) {
  MutexLock lock(&mu_);
  channel_expiry_ = expiry;
}

void ScriptedBroker::RefuseFullHeartbeats(const absl::Status& status) {
  MutexLock lock(&mu_);
  refusal_ = status;
}

void ScriptedBroker::StopAnswering() {
  MutexLock lock(&mu_);
  answering_ = false;
}

void ScriptedBroker::SetConsumerIds(const std::string& group,
                                    std::vector<std::string> ids) {
  MutexLock lock(&mu_);
  consumer_ids_[group] = std::move(ids);
}

void ScriptedBroker::SetEpoch(uint64_t epoch) {
  MutexLock lock(&mu_);
  epoch_ = epoch;
}

void ScriptedBroker::SetWarning(const v1::Warning& warning) {
  MutexLock lock(&mu_);
  warning_ = warning;
}

void ScriptedBroker::SetSettling(absl::Duration left) {
  MutexLock lock(&mu_);
  settling_ = left;
}

void ScriptedBroker::HoldUnaryCalls() {
  MutexLock lock(&mu_);
  holding_ = true;
}

void ScriptedBroker::Push(const std::string& group) {
  v1::NotifyConsumerIdsChanged push;
  push.set_group(group);
  Push(push);
}

void ScriptedBroker::Push(const v1::NotifyConsumerIdsChanged& push) {
  v1::BrokerFrame frame;
  *frame.mutable_notify_consumer_ids_changed() = push;
  LastStream()->Send(std::move(frame));
}

void ScriptedBroker::EndStream(const absl::Status& status,
                               const std::string& end_reason,
                               const std::string& retry_after_ms) {
  LastStream()->End(grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                                 std::string(status.message())),
                    end_reason, retry_after_ms);
}

void ScriptedBroker::AwaitStreams(size_t n) {
  MutexLock lock(&mu_);
  AwaitAtLeast(&lock, &streams_, n);
}

void ScriptedBroker::AwaitEndedStreams(size_t n) {
  MutexLock lock(&mu_);
  AwaitAtLeast(&lock, &ended_streams_, n);
}

void ScriptedBroker::AwaitHeldCalls(size_t n) {
  MutexLock lock(&mu_);
  AwaitAtLeast(&lock, &held_calls_, n);
}

std::vector<std::string> ScriptedBroker::AwaitPeers(size_t n) {
  MutexLock lock(&mu_);
  AwaitAtLeast(&lock, &streams_, n);
  return peers_;
}

std::vector<ScriptedBroker::Caller> ScriptedBroker::AwaitCallers(size_t n) {
  MutexLock lock(&mu_);
  AwaitAtLeast(&lock, &streams_, n);
  return {callers_.begin(), callers_.begin() + static_cast<std::ptrdiff_t>(n)};
}

std::vector<v1::ClientFrame> ScriptedBroker::AwaitFrames(size_t n,
                                                         Filter filter) {
  MutexLock lock(&mu_);
  std::vector<v1::ClientFrame> taken;
  const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    taken.clear();
    std::copy_if(frames_.begin(), frames_.end(), std::back_inserter(taken),
                 filter);
    return taken.size() >= n;
  };
  CHECK(RealClock().AwaitWithDeadline(&lock, &changed_, reached,
                                      RealClock().TimeNow() + kPatience))
      << "waited for " << n << " frames, got " << taken.size();
  return taken;
}

void ScriptedBroker::OnOpen(std::shared_ptr<Stream> stream,
                            const std::string& peer, const Caller& caller) {
  MutexLock lock(&mu_);
  callers_.push_back(caller);
  peers_.push_back(peer);
  last_stream_ = std::move(stream);
  ++streams_;
  changed_.SignalAll();
}

void ScriptedBroker::OnFrame(Stream* stream, const v1::ClientFrame& frame) {
  v1::BrokerFrame answer;
  {
    MutexLock lock(&mu_);
    frames_.push_back(frame);
    changed_.SignalAll();
    if (!answering_ || frame.has_acknowledge()) return;
    *answer.mutable_reply() = ReplyTo(frame);
  }
  stream->Send(std::move(answer));
}

v1::Reply ScriptedBroker::ReplyTo(const ClientFrame& frame) {
  v1::Reply reply;
  reply.set_request_id(frame.request_id());
  if (FullHeartbeats(frame) && !refusal_.ok()) {
    reply.mutable_status()->set_code(refusal_.raw_code());
    reply.mutable_status()->set_message(std::string(refusal_.message()));
  } else if (frame.has_heartbeat()) {
    v1::HeartbeatResponse& heartbeat = *reply.mutable_heartbeat();
    if (!FullHeartbeats(frame)) return reply;
    heartbeat.set_broker_name("scripted");
    heartbeat.set_broker_id(7);
    heartbeat.set_broker_incarnation(kIncarnation);
    heartbeat.set_statement_token(kToken);
    heartbeat.mutable_channel_expiry()->set_seconds(
        absl::ToInt64Seconds(channel_expiry_));
    if (warning_.has_value()) *heartbeat.add_warnings() = *warning_;
    if (epoch_ == 0) return reply;
    for (const v1::ConsumerData& consumer : frame.heartbeat().consumers()) {
      v1::GroupEpoch& known = *heartbeat.add_group_epochs();
      known.set_group(consumer.group());
      known.set_epoch(epoch_);
    }
  } else if (frame.has_get_consumer_list_by_group()) {
    const auto it =
        consumer_ids_.find(frame.get_consumer_list_by_group().group());
    if (it == consumer_ids_.end()) {
      reply.mutable_status()->set_code(
          static_cast<int>(absl::StatusCode::kNotFound));
      return reply;
    }
    v1::GetConsumerListByGroupResponse& page =
        *reply.mutable_get_consumer_list_by_group();
    page.set_epoch(epoch_);
    for (const std::string& id : it->second) page.add_client_ids(id);
  }
  return reply;
}

bool ScriptedBroker::AnswersHalfClose() {
  MutexLock lock(&mu_);
  return answering_;
}

void ScriptedBroker::OnEnded() {
  MutexLock lock(&mu_);
  ++ended_streams_;
  changed_.SignalAll();
}

std::shared_ptr<ScriptedBroker::Stream> ScriptedBroker::LastStream() {
  MutexLock lock(&mu_);
  CHECK(last_stream_ != nullptr);
  return last_stream_;
}

void ScriptedBroker::AwaitAtLeast(MutexLock* lock, const size_t* count,
                                  size_t n) {
  const auto reached = [count, n] { return *count >= n; };
  CHECK(RealClock().AwaitWithDeadline(lock, &changed_, reached,
                                      RealClock().TimeNow() + kPatience))
      << "waited for " << n << ", got " << *count;
}

}  // namespace rmq
