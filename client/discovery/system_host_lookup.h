// Looks up hosts as the system does: in its hosts file, by DNS, or wherever it
// is set to look.
#ifndef CLIENT_DISCOVERY_SYSTEM_HOST_LOOKUP_H_
#define CLIENT_DISCOVERY_SYSTEM_HOST_LOOKUP_H_

#include <functional>
#include <memory>
#include <string>

#include "client/discovery/host_lookup.h"

namespace rmq {

// getaddrinfo(), for IPv4 and IPv6, each if this machine has an address of it.
// Blocks for as long as the system's resolver tries: 10 s for each server of
// the DNS by default, and there is no way to end it. Unavailable: no server
// answers, or the answer is that it cannot say.
HostLookup::Answer LookUpHostBlocking(const std::string& host);

// Runs `task` on a thread that nobody waits for.
void StartDetached(std::function<void()> task);

// Looks each host up on a thread of its own, which nobody waits for: a lookup
// outlives this object for as long as it blocks, and then ends without a trace.
//
// Thread-safety: thread-safe.
class SystemHostLookup final : public HostLookup {
 public:
  // The most lookups of this process that block at a time. Beyond that, and if
  // there is no thread to be had, the answer is ResourceExhausted.
  static constexpr int kMaxUnderWay = 16;

  using Function = std::function<Answer(const std::string& host)>;
  // Runs the task on a thread of its own; throws std::system_error if there is
  // none.
  using StartThread = std::function<void(std::function<void()> task)>;

  explicit SystemHostLookup(Function look_up = LookUpHostBlocking,
                            StartThread start_thread = StartDetached);
  ~SystemHostLookup() override;

  // `on_answer` is called with a lock held: it must neither block nor call this
  // object. After Close() it is not called.
  void LookUp(const std::string& host,
              std::function<void(Answer)> on_answer) override;

  // No answer comes after this returns, and LookUp() does nothing. Idempotent.
  void Close();

 private:
  // Shared with the threads.
  class Gate;

  const Function look_up_;
  const StartThread start_thread_;
  const std::shared_ptr<Gate> gate_;
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_SYSTEM_HOST_LOOKUP_H_
