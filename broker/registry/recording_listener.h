// A ClientEventListener that records the events it receives.
#ifndef BROKER_REGISTRY_RECORDING_LISTENER_H_
#define BROKER_REGISTRY_RECORDING_LISTENER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "broker/registry/client_event.h"
#include "common/mutex_lock.h"

namespace rmq {

// "consumer orders CLIENT_REGISTER c1"; with the reason if a client left.
inline std::string Describe(const ClientEvent& event) {
  std::string text =
      absl::StrCat(Name(event.kind), " ", event.group, " ", Name(event.type));
  if (!event.client_id.empty()) absl::StrAppend(&text, " ", event.client_id);
  if (event.type == EventType::kClientUnregister) {
    absl::StrAppend(&text, " ", Name(event.reason));
  }
  return text;
}

// Thread-safe.
class RecordingListener final : public ClientEventListener {
 public:
  enum class Unchanged { kUnwanted, kWanted };

  explicit RecordingListener(Unchanged unchanged = Unchanged::kUnwanted)
      : wants_unchanged_(unchanged == Unchanged::kWanted) {}

  void OnClientEvent(const ClientEvent& event) override {
    MutexLock lock(&mu_);
    (IsWarning(event.type) ? warnings_ : events_).push_back(event);
  }
  bool WantsUnchangedRegister() const override { return wants_unchanged_; }

  // The events since the last call, but for warnings.
  std::vector<ClientEvent> Take() {
    MutexLock lock(&mu_);
    return std::exchange(events_, {});
  }
  // The events since the last call that are warnings.
  std::vector<ClientEvent> TakeWarnings() {
    MutexLock lock(&mu_);
    return std::exchange(warnings_, {});
  }
  // As Take(), described.
  std::vector<std::string> TakeDescribed() {
    std::vector<std::string> described;
    for (const ClientEvent& event : Take())
      described.push_back(Describe(event));
    return described;
  }

 private:
  const bool wants_unchanged_;
  absl::Mutex mu_;
  std::vector<ClientEvent> events_ ABSL_GUARDED_BY(mu_);
  std::vector<ClientEvent> warnings_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_RECORDING_LISTENER_H_
