// The gRPC of EtcdClient: endpoints, the user's token, and calls that block.
#ifndef COMMON_ETCD_ETCD_TRANSPORT_H_
#define COMMON_ETCD_ETCD_TRANSPORT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/etcd/etcd_options.h"
#include "common/rpc/channel/channel_closer.h"
#include "common/rpc/channel/channel_holder.h"
#include "common/rpc/credentials/channel_security.h"
#include "common/rpc/loop/completion_callback.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/status.h"

namespace rmq {

// Thread-safety: one thread uses it; any thread may call Cancel().
class EtcdTransport {
 public:
  EtcdTransport(const EtcdOptions& options,
                std::shared_ptr<ChannelSecurity> security);
  EtcdTransport(const EtcdTransport&) = delete;
  EtcdTransport& operator=(const EtcdTransport&) = delete;
  // All calls must have ended.
  ~EtcdTransport();

  // One call to the present endpoint, registered for Cancel().
  class Call {
   public:
    explicit Call(EtcdTransport* transport);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    grpc::ClientContext& context() { return context_; }
    const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
    // Says who calls.
    void AddToken();

   private:
    EtcdTransport& transport_;
    const std::shared_ptr<grpc::Channel> channel_;
    grpc::ClientContext context_;
  };

  // Makes `attempt`, and makes it again, at the next endpoint, when an endpoint
  // does not answer, has no leader or answers what another may not, and with a
  // new token when etcd does not know the present one. Each endpoint is asked
  // once. Returns the last error, with the endpoint's name. `needs_user`: false
  // for what some versions of etcd let everybody do, so that a password that is
  // refused does not end it.
  absl::Status Try(const std::function<absl::Status()>& attempt,
                   bool needs_user = true);

  // A unary call, for Try(): makes it, and waits for its answer.
  template <typename Stub, typename Request, typename Response>
  absl::Status Unary(
      std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (
          Stub::*prepare)(grpc::ClientContext*, const Request&,
                          grpc::CompletionQueue*),
      const Request& request, Response* response) {
    Call call(this);
    call.AddToken();
    return Finish(&call, prepare, request, response);
  }

  // Waits until `*done`, which a callback of the queue sets, or until
  // `deadline`. Returns `*done`.
  bool Drive(const bool* done, gpr_timespec deadline);
  // The same without an end: `*done` is sure to come.
  void Drive(const bool* done) {
    Drive(done, gpr_inf_future(GPR_CLOCK_MONOTONIC));
  }
  // A tag that sets `*done`, and `*ok` if it is not null.
  static void* Tag(bool* done, bool* ok = nullptr);

  // Returns the error with the present endpoint's name before its message. If
  // another endpoint may do better, calls go there from now on.
  absl::Status NoteFailure(const absl::Status& error);
  // Ends what is open, and what is called later.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_);

  grpc::CompletionQueue* queue() { return &queue_; }
  // When a call that begins now must have ended.
  gpr_timespec Deadline() const { return After(options_.call_timeout); }
  static gpr_timespec After(absl::Duration duration);
  static absl::Status FromGrpc(const grpc::Status& status);

 private:
  template <typename Stub, typename Request, typename Response>
  absl::Status Finish(
      Call* call,
      std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (
          Stub::*prepare)(grpc::ClientContext*, const Request&,
                          grpc::CompletionQueue*),
      const Request& request, Response* response) {
    call->context().set_deadline(Deadline());
    Stub stub(call->channel());
    const auto reader = (stub.*prepare)(&call->context(), request, queue());
    reader->StartCall();
    grpc::Status status;
    bool done = false;
    reader->Finish(response, &status, Tag(&done));
    Drive(&done);
    return FromGrpc(status);
  }

  bool is_cancelled() ABSL_LOCKS_EXCLUDED(mu_);
  // Gets a token, if there is a user and there is no token.
  absl::Status Authenticate();

  const EtcdOptions options_;
  grpc::CompletionQueue queue_;
  ChannelCloser closer_{&queue_};
  // One an endpoint, in their order.
  std::vector<std::unique_ptr<ChannelHolder>> holders_;
  size_t endpoint_ = 0;
  std::string token_;
  // etcd's authentication is off: calls need no token.
  bool needs_no_token_ = false;

  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  // Of the calls that are open.
  absl::flat_hash_set<grpc::ClientContext*> open_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_ETCD_ETCD_TRANSPORT_H_
