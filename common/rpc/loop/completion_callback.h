// A completion queue's tag that calls a function.
#ifndef COMMON_RPC_LOOP_COMPLETION_CALLBACK_H_
#define COMMON_RPC_LOOP_COMPLETION_CALLBACK_H_

#include <functional>
#include <utility>

#include "common/rpc/loop/completion_loop.h"

namespace rmq {

// Made by New() for one operation. Calls the function when the operation's
// event comes, and then deletes itself.
class CompletionCallback final : public CompletionHandler {
 public:
  // `callback` gets the event's `ok`. The result is what gRPC takes as a tag.
  static void* New(std::function<void(bool ok)> callback) {
    return static_cast<CompletionHandler*>(
        new CompletionCallback(std::move(callback)));
  }

  void OnCompletion(bool ok) override {
    callback_(ok);
    delete this;
  }

 private:
  explicit CompletionCallback(std::function<void(bool ok)> callback)
      : callback_(std::move(callback)) {}
  ~CompletionCallback() = default;

  const std::function<void(bool ok)> callback_;
};

}  // namespace rmq

#endif  // COMMON_RPC_LOOP_COMPLETION_CALLBACK_H_
