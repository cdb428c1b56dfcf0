#include "broker/service/completion_loop.h"

namespace rmq {

void RunCompletionLoop(grpc::CompletionQueue* queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) {
    static_cast<CompletionHandler*>(tag)->OnCompletion(ok);
  }
}

}  // namespace rmq
