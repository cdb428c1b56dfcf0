#include "client/expression_check.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/validation.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using Brokers =
    std::vector<std::pair<BrokerEntry, std::shared_ptr<BrokerStub>>>;

// Whether a broker has looked at an expression and refused it. Other errors say
// that the broker could not be asked.
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

// The answer of the first broker that looked at the expression.
absl::Status CheckAtAnyBroker(const v1::CheckClientConfigRequest& check,
                              const Brokers& brokers, Clock& clock,
                              absl::Time deadline) {
  const std::string what =
      absl::StrCat("subscription of group ", Quoted(check.group()),
                   " to topic ", Quoted(check.subscription().topic()));
  absl::Status status = absl::UnavailableError(
      absl::StrCat(what, " cannot be checked: no broker is known yet"));
  size_t left = brokers.size();
  for (const auto& [broker, stub] : brokers) {
    const absl::Duration share =
        (deadline - clock.TimeNow()) / static_cast<int64_t>(left--);
    if (share <= absl::ZeroDuration()) break;
    status = AnnotateCall(stub->CheckClientConfig(check, share), what,
                          broker.address);
    if (status.ok() || IsRefusal(status) || absl::IsCancelled(status)) break;
  }
  return status;
}

}  // namespace

absl::Status AnnotateCall(const absl::Status& status, absl::string_view what,
                          absl::string_view address) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(what, " at ", address, ": ",
                                                  status.message()));
}

absl::Status CheckExpressions(
    const std::vector<v1::CheckClientConfigRequest>& checks,
    const Brokers& brokers, Clock* clock, absl::Duration timeout) {
  const absl::Time deadline = clock->TimeNow() + timeout;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::vector<std::string> refusals;
  for (const v1::CheckClientConfigRequest& check : checks) {
    const absl::Status status =
        CheckAtAnyBroker(check, brokers, *clock, deadline);
    if (status.ok()) continue;
    if (!IsRefusal(status)) return status;
    if (refusals.empty()) code = status.code();
    refusals.emplace_back(status.message());
  }
  return absl::Status(code, absl::StrJoin(refusals, "; "));
}

}  // namespace rmq
