#include "common/etcd/etcd_transport.h"

#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"
#include "common/rpc/loop/completion_loop.h"
#include "etcd/api/etcdserverpb/rpc.grpc.pb.h"

namespace rmq {
namespace {

// As GrpcTransport's.
constexpr absl::Duration kMostCloseTime = absl::Milliseconds(200);

// Whether another endpoint may do better: this one is away, or is no etcd, or
// says what the other members of its cluster would not.
bool BlamesEndpoint(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    // What etcd has no code for, as a leader that is none any more ("not a
    // primary lessor"); and what is no etcd at all.
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss: return true;
    // A member that lags behind.
    case absl::StatusCode::kResourceExhausted:
      return absl::StrContains(status.message(), "too many requests");
    // A member that has not joined, or is not sure of the cluster's version.
    case absl::StatusCode::kFailedPrecondition:
      return absl::StrContains(status.message(), "not supported for learner") ||
             absl::StrContains(status.message(), "not capable") ||
             absl::StrContains(status.message(), "not leader");
    default: return false;
  }
}

// Whether a new token may help. etcd forgets its tokens when it starts, refuses
// older ones when its users change, and asks for one when its authentication is
// turned on.
bool BlamesToken(const absl::Status& status) {
  return absl::IsUnauthenticated(status) ||
         // By the words: the reason for which a watch ends has no code.
         absl::StrContains(status.message(), "invalid auth token") ||
         absl::StrContains(status.message(), "revision of auth store is old") ||
         absl::StrContains(status.message(), "user name is empty");
}

}  // namespace

EtcdTransport::Call::Call(EtcdTransport* transport)
    : transport_(*transport),
      channel_(transport_.holders_[transport_.endpoint_]->Get()) {
  // A member without a leader answers so, instead of waiting for one.
  context_.AddMetadata("hasleader", "true");
  MutexLock lock(&transport_.mu_);
  transport_.open_.insert(&context_);
  if (transport_.cancelled_) context_.TryCancel();
}

EtcdTransport::Call::~Call() {
  MutexLock lock(&transport_.mu_);
  transport_.open_.erase(&context_);
}

void EtcdTransport::Call::AddToken() {
  if (!transport_.token_.empty()) {
    context_.AddMetadata("token", transport_.token_);
  }
}

EtcdTransport::EtcdTransport(const EtcdOptions& options,
                             std::shared_ptr<ChannelSecurity> security)
    : options_(options) {
  for (const std::string& endpoint : options_.endpoints) {
    holders_.push_back(std::make_unique<ChannelHolder>(
        endpoint, options_.call_timeout, security, &closer_));
  }
}

EtcdTransport::~EtcdTransport() {
  holders_.clear();
  // Only now and briefly, see EtcdClient.
  std::thread poller([this] {
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
      static_cast<CompletionHandler*>(tag)->OnCompletion(ok);
    }
  });
  closer_.CloseAll(kMostCloseTime);
  queue_.Shutdown();
  poller.join();
}

absl::Status EtcdTransport::Try(const std::function<absl::Status()>& attempt,
                                bool needs_user) {
  bool may_authenticate_anew = true;
  absl::Status status;
  for (size_t asked = 0; asked < holders_.size();) {
    if (is_cancelled())
      return absl::CancelledError("etcd is not asked any more");
    status = needs_user ? Authenticate() : absl::OkStatus();
    if (status.ok()) status = attempt();
    if (status.ok()) return status;
    if (BlamesToken(status) && may_authenticate_anew &&
        !options_.user.empty()) {
      may_authenticate_anew = false;
      token_.clear();
      needs_no_token_ = false;
      needs_user = true;
      continue;
    }
    status = NoteFailure(status);
    if (!BlamesEndpoint(status)) return status;
    ++asked;
  }
  return status;
}

absl::Status EtcdTransport::Authenticate() {
  if (options_.user.empty() || !token_.empty() || needs_no_token_) {
    return absl::OkStatus();
  }
  const absl::StatusOr<std::string> password = ReadEtcdPassword(options_);
  // Whatever is wrong with the file: callers take NotFound for a lost lease.
  if (!password.ok()) {
    return absl::FailedPreconditionError(password.status().message());
  }
  etcdserverpb::AuthenticateRequest request;
  request.set_name(options_.user);
  request.set_password(*password);
  etcdserverpb::AuthenticateResponse response;
  Call call(this);
  const absl::Status status =
      Finish(&call, &etcdserverpb::Auth::Stub::PrepareAsyncAuthenticate,
             request, &response);
  if (status.ok()) {
    token_ = response.token();
    return status;
  }
  if (absl::StrContains(status.message(), "authentication is not enabled")) {
    needs_no_token_ = true;
    return absl::OkStatus();
  }
  // A wrong password is InvalidArgument to etcd.
  if (absl::IsInvalidArgument(status)) {
    return absl::PermissionDeniedError(status.message());
  }
  return status;
}

void* EtcdTransport::Tag(bool* done, bool* ok) {
  return CompletionCallback::New([done, ok](bool event_ok) {
    *done = true;
    if (ok != nullptr) *ok = event_ok;
  });
}

bool EtcdTransport::Drive(const bool* done, gpr_timespec deadline) {
  while (!*done) {
    void* tag;
    bool ok;
    if (queue_.AsyncNext(&tag, &ok, deadline) !=
        grpc::CompletionQueue::GOT_EVENT) {
      break;
    }
    static_cast<CompletionHandler*>(tag)->OnCompletion(ok);
  }
  return *done;
}

absl::Status EtcdTransport::NoteFailure(const absl::Status& error) {
  const std::string& endpoint = options_.endpoints[endpoint_];
  if (BlamesEndpoint(error)) {
    // By a new connection, when its turn comes: this one may be stuck.
    ChannelHolder& holder = *holders_[endpoint_];
    holder.Drop(holder.Get());
    endpoint_ = (endpoint_ + 1) % holders_.size();
  }
  return absl::Status(
      error.code(), absl::StrCat("etcd at ", endpoint, ": ", error.message()));
}

bool EtcdTransport::is_cancelled() {
  MutexLock lock(&mu_);
  return cancelled_;
}

void EtcdTransport::Cancel() {
  MutexLock lock(&mu_);
  cancelled_ = true;
  // Under the lock, since a context lives as long as it is in `open_`.
  for (grpc::ClientContext* const context : open_) context->TryCancel();
}

gpr_timespec EtcdTransport::After(absl::Duration duration) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_micros(absl::ToInt64Microseconds(duration), GPR_TIMESPAN));
}

absl::Status EtcdTransport::FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

}  // namespace rmq
