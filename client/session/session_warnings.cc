#include "client/session/session_warnings.h"

#include <algorithm>
#include <utility>

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

BrokerWarning::Kind KindOf(const v1::Warning& warning) {
  switch (warning.kind()) {
    case v1::Warning::KIND_DUPLICATE_CLIENT_ID:
      return BrokerWarning::Kind::kDuplicateClientId;
    case v1::Warning::KIND_INCONSISTENT_SUBSCRIPTION:
      return BrokerWarning::Kind::kInconsistentSubscription;
    default: return BrokerWarning::Kind::kUnknown;  // Also of a later version.
  }
}

bool AreOfOneThing(const BrokerWarning& a, const BrokerWarning& b) {
  return a.kind == b.kind && a.group == b.group;
}

bool SaySame(const BrokerWarning& a, const BrokerWarning& b) {
  return AreOfOneThing(a, b) && a.message == b.message &&
         a.client_ids == b.client_ids;
}

}  // namespace

std::vector<BrokerWarning> SessionWarnings::Take(
    const HeartbeatResponse& response, bool is_full,
    const BrokerEntry& broker) {
  std::vector<BrokerWarning> news;
  std::vector<BrokerWarning> before;
  if (is_full) before.swap(holding_);
  for (const v1::Warning& said : response.warnings()) {
    BrokerWarning warning;
    warning.broker = broker;
    warning.kind = KindOf(said);
    warning.group = said.group();
    warning.message = said.message();
    warning.client_ids = {said.client_ids().begin(), said.client_ids().end()};
    const auto is_known = [&warning](const BrokerWarning& known) {
      return SaySame(known, warning);
    };
    if (std::none_of(before.begin(), before.end(), is_known) &&
        std::none_of(holding_.begin(), holding_.end(), is_known)) {
      news.push_back(warning);
    }
    const auto same = std::find_if(holding_.begin(), holding_.end(),
                                   [&](const BrokerWarning& known) {
                                     return AreOfOneThing(known, warning);
                                   });
    if (same != holding_.end()) {
      *same = std::move(warning);
    } else if (holding_.size() < kMaxWarnings) {
      holding_.push_back(std::move(warning));
    }
  }
  return news;
}

}  // namespace rmq
