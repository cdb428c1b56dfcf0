#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/session/broker_session.h"
#include "client/session/frame_limit.h"
#include "client/session/unlisted_stay.h"
#include "common/kv.h"
#include "glog/logging.h"

// The ends of a session's streams, and how the session comes back after them.

namespace rmq {

void BrokerSession::LoseStream(const StreamEnd& end) {
  const bool leaving = health_.state == BrokerState::kLeaving;
  StreamState lost = std::exchange(current_, {});
  lost.stream = nullptr;
  memberships_.OnStreamLost();
  health_.last_end = end.reason;
  found_it_full_ = IsFull(end);
  if (!end.status.ok()) RecordError(end.status);
  if (end.reason == EndReason::kKicked) {
    OnKicked(end);
  } else if (WasReplaced(lost, end)) {
    OnReplaced(end.status);
  } else if (!leaving) {
    for (const Request& request : lost.requests) {
      if (request.statement == nullptr) continue;
      if (const auto limit = FrameLimitOf(end.status, request.bytes)) {
        OnTooLarge(request.bytes, *limit);
        return;
      }
    }
    if (IsDenial(end)) {
      PauseDenied(end.status, lost.identity);
    } else if (!lost.denial.ok() && end.reason == EndReason::kNone) {
      RecordError(lost.denial);
      PauseDenied(lost.denial, lost.identity);
    } else {
      Pause(end.reason == EndReason::kDrained ? end.retry_after
                                              : absl::ZeroDuration());
    }
  } else if (shutting_down_) {
    Stop(end.status);
  } else {
    if (end.reason == EndReason::kDrained) {
      away_until_ = loop_.Now() + backoff_.NextAfter(end.retry_after, random_);
    }
    if (statement_ != nullptr) {
      LeaveIdle();
    } else {
      Enter(BrokerState::kIdle);
    }
  }
}

bool BrokerSession::WasReplaced(const StreamState& lost, const StreamEnd& end) {
  if (end.reason == EndReason::kReplaced) return true;
  if (!absl::IsAborted(end.status) || lost.gives_end_reason || !lost.accepted ||
      !accepted_by_.has_value()) {
    return false;
  }
  return aborts_.Add(*accepted_by_, loop_.Now());
}

void BrokerSession::OnReplaced(const absl::Status& reason) {
  if (shutting_down_) {
    Stop(absl::OkStatus());
  } else if (!observer_.KeepsInReserve(*this)) {
    LOG(WARNING) << "replaced by another process, not connecting again"
                 << Kv("broker", broker_.address)
                 << Kv("reason", reason.ToString());
    Enter(BrokerState::kReplaced);
  } else if (statement_ != nullptr) {
    LOG(INFO) << "a second way to a broker is kept in reserve"
              << Kv("broker", broker_.address)
              << Kv("reason", reason.ToString());
    state_deadline_ = loop_.Now() + kReserveTime * (0.5 + random_() / 2);
    Enter(BrokerState::kReserve);
  } else {
    Enter(BrokerState::kIdle);
  }
}

void BrokerSession::OnKicked(const StreamEnd& end) {
  if (shutting_down_) {
    Stop(absl::OkStatus());
    return;
  }
  state_deadline_ = absl::InfiniteFuture();
  if (end.retry_after > absl::ZeroDuration()) {
    state_deadline_ =
        loop_.Now() + backoff_.NextAfter(end.retry_after, random_);
  }
  LOG(WARNING) << "taken off the broker by an operator"
               << Kv("broker", broker_.address)
               << Kv("retry_in",
                     absl::FormatDuration(state_deadline_ - loop_.Now()))
               << Kv("reason", end.status.ToString());
  Enter(BrokerState::kKicked);
}

void BrokerSession::OnTooLarge(size_t bytes, size_t limit) {
  DropStream();
  frame_limit_ = limit;
  RecordError(absl::ResourceExhaustedError(
      absl::StrCat("the client's groups and subscriptions are ", bytes,
                   " bytes as a frame, and the broker takes at most ", limit,
                   ": they are not sent again until they change")));
  LOG(ERROR) << "the broker refused the client's statement"
             << Kv("broker", broker_.address)
             << Kv("error", health_.last_error.ToString());
  Enter(BrokerState::kRefused);
}

void BrokerSession::Pause(absl::Duration retry_after) {
  const absl::Time now = loop_.Now();
  const absl::Duration delay = backoff_.NextAfter(retry_after, random_);
  state_deadline_ = now + delay;
  identity_look_ = absl::InfiniteFuture();
  outage_since_ = std::min(outage_since_, now);
  const absl::Duration outage = now - outage_since_;
  if (outage == absl::ZeroDuration()) {
    LOG(INFO) << "no stream to the broker, trying again"
              << Kv("broker", broker_.address)
              << Kv("retry_in", absl::FormatDuration(delay))
              << Kv("error", health_.last_error.ToString());
  } else if (outage >= kLongOutage && !outage_logged_) {
    outage_logged_ = true;
    LOG(WARNING) << "broker out of reach" << Kv("broker", broker_.address)
                 << Kv("for", absl::FormatDuration(outage))
                 << Kv("error", health_.last_error.ToString());
  } else {
    VLOG(1) << "stream lost" << Kv("broker", broker_.address)
            << Kv("retry_in", absl::FormatDuration(delay))
            << Kv("error", health_.last_error.ToString());
  }
  Enter(BrokerState::kBackoff);
}

void BrokerSession::PauseDenied(const absl::Status& denial, uint64_t identity) {
  if (stub_.IdentityGeneration() != identity) {
    // As when a secret was changed on both sides.
    Pause();
    return;
  }
  const absl::Time now = loop_.Now();
  denied_identity_ = identity;
  identity_look_ = now + kIdentityPeriod;
  const absl::Duration delay = denial_backoff_.Next(random_);
  state_deadline_ = now + delay;
  outage_since_ = std::min(outage_since_, now);
  if (std::exchange(denial_, denial) != denial) {
    LOG(WARNING) << "the broker does not let the client in"
                 << Kv("broker", broker_.address)
                 << Kv("retry_in", absl::FormatDuration(delay))
                 << Kv("error", denial.ToString());
  } else {
    VLOG(1) << "the broker still does not let the client in"
            << Kv("broker", broker_.address)
            << Kv("retry_in", absl::FormatDuration(delay));
  }
  Enter(BrokerState::kBackoff);
}

absl::Time BrokerSession::retry_at() const {
  switch (health_.state) {
    case BrokerState::kBackoff:
    case BrokerState::kReserve:
    case BrokerState::kKicked: return state_deadline_;
    default: return absl::InfiniteFuture();
  }
}

void BrokerSession::ComeBack() {
  if (statement_ != nullptr) {
    Connect();
  } else {
    away_until_ = absl::InfinitePast();
    Enter(BrokerState::kIdle);
  }
}

void BrokerSession::StayAwayUntil(absl::Time until, EndReason reason) {
  away_until_ = until;
  health_.last_end = reason;
}

absl::Time BrokerSession::away_until() const {
  switch (health_.state) {
    case BrokerState::kIdle: return away_until_;
    case BrokerState::kBackoff:
      if (health_.last_end == EndReason::kDrained) return state_deadline_;
      return absl::InfinitePast();
    case BrokerState::kKicked:
      if (state_deadline_ != absl::InfiniteFuture()) return state_deadline_;
      return absl::InfinitePast();
    default: return absl::InfinitePast();
  }
}

void BrokerSession::LeaveIdle() {
  if (away_until_ <= loop_.Now()) {
    Connect();
    return;
  }
  state_deadline_ = away_until_;
  identity_look_ = absl::InfiniteFuture();
  LOG(INFO) << "not yet back to a broker that has sent the client away"
            << Kv("broker", broker_.address)
            << Kv("reason", Name(health_.last_end))
            << Kv("retry_in",
                  absl::FormatDuration(state_deadline_ - loop_.Now()));
  Enter(health_.last_end == EndReason::kKicked ? BrokerState::kKicked
                                               : BrokerState::kBackoff);
}

void BrokerSession::Reconnect() {
  if (shutting_down_) return;
  switch (health_.state) {
    case BrokerState::kBackoff:
    case BrokerState::kRefused:
    case BrokerState::kReplaced:
    case BrokerState::kKicked:
      LOG(INFO) << "reconnecting as the application asks"
                << Kv("broker", broker_.address)
                << Kv("state", Name(health_.state));
      ComeBack();
      break;
    default: break;
  }
  RearmTimer();
}

void BrokerSession::TakeOver() {
  CHECK(health_.state == BrokerState::kReserve) << Name(health_.state);
  LOG(INFO) << "the way to a broker that was in reserve is taken"
            << Kv("broker", broker_.address);
  Connect();
  RearmTimer();
}

void BrokerSession::EndReserve(BrokerState state, absl::Time retry_at) {
  CHECK(health_.state == BrokerState::kReserve) << Name(health_.state);
  state_deadline_ = retry_at;
  if (state == BrokerState::kKicked) health_.last_end = EndReason::kKicked;
  LOG(WARNING) << "taken off the broker with another way to it"
               << Kv("broker", broker_.address) << Kv("state", Name(state));
  Enter(state);
  RearmTimer();
}

}  // namespace rmq
