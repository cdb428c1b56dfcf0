#include "tools/cmctl/await_serving.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "common/mutex_lock.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr absl::Duration kPause = absl::Seconds(1);
constexpr absl::Duration kGlance = absl::Milliseconds(100);

// What keeps a broker that was drained from being done with.
struct Hindrance {
  std::string what;  // Empty: nothing is to be said.
  std::string why;   // May change while `what` holds.
};

// Whether the answer is of the broker that was drained, `drained`.
bool IsIt(const absl::StatusOr<pb::GetBrokerResponse>& facts,
          const pb::GetBrokerResponse& drained) {
  return facts.ok() && facts->broker_name() == drained.broker_name() &&
         facts->broker_id() == drained.broker_id();
}

// nullopt: the broker that was drained, `drained`, serves, has settled, and is
// found by clients.
absl::optional<Hindrance> HindranceOf(
    const absl::StatusOr<pb::GetBrokerResponse>& facts,
    const pb::GetBrokerResponse& drained) {
  if (!facts.ok()) return Hindrance{"does not answer", ""};
  if (!IsIt(facts, drained)) {
    return Hindrance{
        absl::StrCat("answers as another broker, ", facts->broker_name(), ":",
                     facts->broker_id()),
        ""};
  }
  if (facts->state() != pb::GetBrokerResponse::STATE_SERVING) {
    return Hindrance();
  }
  if (facts->has_settling_until()) return Hindrance{"serves, and settles", ""};
  const pb::DiscoveryRegistration& registration = facts->registration();
  if (facts->has_registration() &&
      registration.state() != pb::DiscoveryRegistration::STATE_REGISTERED) {
    return Hindrance{
        "serves, and is not in etcd",
        registration.error().empty() && !registration.holder().empty()
            ? absl::StrCat("another broker has its name and id, ",
                           registration.holder())
            : registration.error()};
  }
  return absl::nullopt;
}

// The brokers of a cluster, as its source has told them last.
class LatestBrokers final : public BrokerResolver::Listener {
 public:
  void OnBrokers(const std::vector<BrokerEntry>& brokers) override
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    brokers_ = brokers;
  }

  // "" if the broker is not listed.
  std::string AddressOf(absl::string_view name, uint64_t id) const
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    for (const BrokerEntry& broker : brokers_) {
      if (!name.empty() && broker.name == name && broker.id == id) {
        return broker.address;
      }
    }
    return "";
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<BrokerEntry> brokers_ ABSL_GUARDED_BY(mu_);
};

// The answer of the broker that was drained, from where it is found, or of who
// answers at its address. `*elsewhere` is its other address, if it is there.
absl::StatusOr<pb::GetBrokerResponse> Find(const FollowedBroker& broker,
                                           const pb::GetBrokerResponse& drained,
                                           const LatestBrokers& listed,
                                           std::string* elsewhere) {
  elsewhere->clear();
  absl::StatusOr<pb::GetBrokerResponse> facts = FactsOf(broker.ask);
  if (IsIt(facts, drained)) return facts;
  const std::string address =
      listed.AddressOf(drained.broker_name(), drained.broker_id());
  if (address.empty() || address == broker.target.address) return facts;
  absl::StatusOr<pb::GetBrokerResponse> moved = FactsOf(broker.ask_at(address));
  if (!IsIt(moved, drained)) return facts;
  *elsewhere = address;
  return moved;
}

}  // namespace

bool LookUntil(const Screen& screen, absl::Time end,
               const std::function<bool()>& look) {
  while (screen.goes_on() && screen.steady_now() < end) {
    if (look()) return true;
    const absl::Time next = std::min(end, screen.steady_now() + kPause);
    while (screen.goes_on() && screen.steady_now() < next) {
      screen.sleep(std::min(kGlance, next - screen.steady_now()));
    }
  }
  return false;
}

absl::StatusOr<pb::GetBrokerResponse> FactsOf(const Ask& ask) {
  const auto answer = ask(pb::GetBrokerRequest());
  if (!answer.ok()) return answer.status();
  return static_cast<const pb::GetBrokerResponse&>(**answer);
}

absl::Status AwaitServing(const FollowedBroker& broker,
                          const pb::GetBrokerResponse& drained,
                          BrokerResolver* source, absl::Time end,
                          const Screen& screen, DrainPrinter* printer) {
  const std::string& label = broker.target.label;
  const auto listed = std::make_shared<LatestBrokers>();
  if (source != nullptr) source->AddListener(listed);
  std::string said;
  std::string hindrance;
  absl::Time found_at = screen.steady_now();
  bool is_lost = false;
  const bool is_over = LookUntil(screen, end, [&] {
    std::string elsewhere;
    const auto facts = Find(broker, drained, *listed, &elsewhere);
    const auto found = HindranceOf(facts, drained);
    if (!found.has_value()) {
      printer->Say(absl::StrCat(
          label, ": serves again",
          elsewhere.empty() ? "" : absl::StrCat(" at ", elsewhere)));
      return true;
    }
    hindrance =
        absl::StrCat(found->what, found->why.empty() ? "" : ": ", found->why);
    if (std::exchange(said, found->what) != found->what && !said.empty()) {
      printer->Say(absl::StrCat(label, ": ", hindrance));
    }
    if (IsIt(facts, drained)) found_at = screen.steady_now();
    is_lost = screen.steady_now() - found_at >= kLongestAbsence;
    return is_lost;
  });
  if (is_lost) {
    return absl::UnavailableError(absl::StrCat(
        label, " was drained, and is not back after ",
        absl::FormatDuration(kLongestAbsence), ": it ", hindrance,
        source != nullptr
            ? ""
            : "; with --cluster it is found at another address too"));
  }
  if (is_over) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat(label, hindrance.empty()
                              ? " is drained, and does not serve again"
                              : absl::StrCat(" was drained, and ", hindrance)));
}

}  // namespace rmq::cmctl
