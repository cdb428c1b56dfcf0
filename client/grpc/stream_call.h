// What the streaming calls of gRPC have in common: Connect and Watch.
#ifndef CLIENT_GRPC_STREAM_CALL_H_
#define CLIENT_GRPC_STREAM_CALL_H_

#include <memory>
#include <utility>

#include "client/grpc/call_end.h"
#include "client/loop/event_loop.h"
#include "common/rpc/channel/channel_holder.h"
#include "common/rpc/loop/completion_callback.h"
#include "common/rpc/loop/live_calls.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/status.h"

namespace rmq {

// Borrowed; must outlive the call.
struct StreamCallEnvironment {
  EventLoop* loop;               // Reactions run on it.
  grpc::CompletionQueue* queue;  // Its tags are CompletionHandlers.
  LiveCalls* live_calls;         // The queue outlives the calls in it.
};

// A call from its making to its end. The derived class starts it, reads and
// writes, and says when it is over; then it is finished here. `Reactor` has
// OnFinished(StreamEnd).
//
// Operations under way own the call, so it lives until it is finished, whatever
// becomes of the stream of its user. Only Detach() ends the reactions earlier.
//
// Thread-safety: none; it is used on the environment's loop only.
template <typename Reactor>
class StreamCall : public std::enable_shared_from_this<StreamCall<Reactor>> {
 public:
  using Environment = StreamCallEnvironment;

  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;

  // Ends the reactions, and cancels the call if it has not ended. No further
  // call uses the channel of a call that was cancelled so.
  void Detach() {
    reactor_ = nullptr;
    if (!HasBegun() || finished_) return;
    holder_->Drop(channel_);
    context_.TryCancel();
    OnDetached();
  }

 protected:
  // A call to the channel of `holder`. `reactor` is borrowed, and must live
  // until Detach().
  StreamCall(const Environment& environment,
             std::shared_ptr<ChannelHolder> holder, Reactor* reactor)
      : environment_(environment),
        holder_(std::move(holder)),
        channel_(holder_->Get()),
        reactor_(reactor) {
    // A call that this process makes waits for no client: it begins at once.
    environment_.live_calls->Wait();
    environment_.live_calls->Begin();
    holder_->Prepare(&context_);
  }
  virtual ~StreamCall() {
    // What the derived class has of gRPC is gone. The transport may be
    // destroyed once the call is not counted any more.
    channel_.reset();
    holder_.reset();
    environment_.live_calls->End();
  }

  // gRPC has been asked for the call.
  virtual bool HasBegun() const = 0;
  // Nothing more can be read, and no operation is under way.
  virtual bool IsOver() const = 0;
  virtual void BeginFinish(grpc::Status* status, void* tag) = 0;
  // The call was cancelled by Detach().
  virtual void OnDetached() {}
  // Whether the call ended with `status` as the client asked.
  virtual bool EndedAsAsked(const grpc::Status& /*status*/) const {
    return false;
  }

  // A tag for one operation, which calls `react` on the loop. It owns the call.
  template <typename Call>
  void* NewTag(void (Call::*react)(bool ok)) {
    return CompletionCallback::New(
        [self = std::static_pointer_cast<Call>(this->shared_from_this()),
         react](bool ok) {
          EventLoop& loop = *self->environment().loop;
          loop.Post([self, react, ok] { ((*self).*react)(ok); });
        });
  }

  // Finishes the call if it is over. Called after each operation.
  void MaybeFinish() {
    if (finishing_ || !IsOver()) return;
    finishing_ = true;
    BeginFinish(&status_, NewTag(&StreamCall::OnFinishDone));
  }

  const Environment& environment() const { return environment_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  grpc::ClientContext& context() { return context_; }
  // Null once detached.
  Reactor* reactor() const { return reactor_; }

 private:
  void OnFinishDone(bool /*ok*/) {
    finished_ = true;
    if (BlamesConnection(context_, status_,
                         reactor_ == nullptr || EndedAsAsked(status_))) {
      holder_->Drop(channel_);
    }
    if (reactor_ != nullptr) {
      reactor_->OnFinished(StreamEndOf(context_, status_));
    }
  }

  const Environment environment_;
  std::shared_ptr<ChannelHolder> holder_;
  std::shared_ptr<grpc::Channel> channel_;
  Reactor* reactor_;
  grpc::ClientContext context_;
  grpc::Status status_;
  bool finishing_ = false;
  bool finished_ = false;
};

}  // namespace rmq

#endif  // CLIENT_GRPC_STREAM_CALL_H_
