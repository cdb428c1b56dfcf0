#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "client/session/broker_table.h"
#include "client/session/unlisted_stay.h"
#include "common/backoff.h"
#include "common/kv.h"
#include "glog/logging.h"

// The brokers that are not listed any more: how long the table stays with them,
// and when the client comes back to those that it has left.

namespace rmq {
namespace {

UnlistedStay::Standing StandingOf(const BrokerSession& session) {
  const BrokerHealth& health = session.health();
  if (IsOnline(health.state)) return UnlistedStay::Standing::kAnswers;
  const bool tries_again = health.state == BrokerState::kConnecting ||
                           health.state == BrokerState::kStating ||
                           health.state == BrokerState::kBackoff;
  if (!tries_again || IsSentAway(health.last_end)) {
    return UnlistedStay::Standing::kGone;
  }
  return session.found_it_full() ? UnlistedStay::Standing::kAnswers
                                 : UnlistedStay::Standing::kCutOff;
}

}  // namespace

bool BrokerTable::MayStay(const Link& link,
                          const std::vector<BrokerEntry>& brokers) const {
  if (!link.listed) return false;
  if (!link.stay.has_value() && !IsOnline(link.session->health().state)) {
    return false;
  }
  return !HasMoved(link.broker, brokers);
}

void BrokerTable::BeginStay(Link* link, absl::Duration stay) {
  const absl::Time now = loop_.Now();
  link->stay.emplace(stay, random_(), now);
  LOG(INFO) << "stays at a broker that is not listed any more, as long as it "
               "answers"
            << Kv("broker", link->broker.address)
            << Kv("at_most",
                  absl::FormatDuration(absl::Trunc(link->stay->leave_at() - now,
                                                   absl::Seconds(1))));
}

void BrokerTable::Leave(Link* link) {
  KeepLeft(*link);
  link->listed = false;
  link->stay.reset();
  link->session->Shutdown();
}

void BrokerTable::ReviewStays() {
  if (shutting_down_) return;
  const absl::Time now = loop_.Now();
  for (Link& link : links_) {
    if (!link.stay.has_value()) continue;
    link.stay->Note(StandingOf(*link.session), now);
    if (now >= link.stay->leave_at()) Leave(&link);
  }
  RearmStays();
}

void BrokerTable::RearmStays() {
  absl::Time next = absl::InfiniteFuture();
  has_stays_ = false;
  for (const Link& link : links_) {
    if (!link.stay.has_value()) continue;
    has_stays_ = true;
    next = std::min(next, link.stay->leave_at());
  }
  if (next == next_leave_) return;
  if (next_leave_ != absl::InfiniteFuture()) loop_.Cancel(stays_timer_);
  next_leave_ = next;
  if (next == absl::InfiniteFuture()) return;
  stays_timer_ = loop_.RunAt(next, [weak = std::weak_ptr<BrokerTable*>(self_)] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    (*self)->next_leave_ = absl::InfiniteFuture();
    (*self)->ReviewStays();
  });
}

void BrokerTable::KeepLeft(const Link& link) {
  LeftBrokers::Left left;
  left.wanted_members = link.wanted_members;
  left.return_at = link.session->away_until();
  if (left.return_at != absl::InfinitePast()) {
    left.reason = link.session->health().last_end;
  }
  left_brokers_.Keep(link.broker, std::move(left), loop_.Now());
}

void BrokerTable::TakeLeft(Link* link) {
  if (!link->listed || link->session->health().state != BrokerState::kIdle) {
    return;
  }
  const auto left = left_brokers_.Take(link->broker);
  if (!left.has_value()) return;
  link->wanted_members.insert(left->wanted_members.begin(),
                              left->wanted_members.end());
  absl::Time return_at = left->return_at;
  // All clients that a drain has sent away hear at once that it is listed.
  if (left->reason == EndReason::kDrained) {
    return_at =
        std::max(return_at, loop_.Now() + random_() * Backoff::kLeastSpread);
  }
  if (return_at > loop_.Now()) {
    link->session->StayAwayUntil(return_at, left->reason);
  }
}

}  // namespace rmq
