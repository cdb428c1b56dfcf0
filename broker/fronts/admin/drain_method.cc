#include "broker/fronts/admin/drain_method.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/fronts/admin/drain_followers.h"
#include "broker/fronts/admin/write_audit.h"
#include "broker/fronts/proto_time.h"
#include "broker/housekeeping/drain.h"
#include "common/kv.h"
#include "common/payer.h"

namespace rmq {
namespace {

CallStatus GoingDown() {
  return {absl::StatusCode::kFailedPrecondition, ResponseCode::kSystemError,
          "the broker is going down: its drain is the last one"};
}

// Tells how far a drain has come, until its end.
class DrainSource final : public ResponseSource {
 public:
  // `drain` is the drain's number.
  DrainSource(const AdminBroker& broker, uint64_t drain, const Payer& payer,
              ResponseWaker waker)
      : broker_(broker),
        drain_(drain),
        ticket_(broker.drain_followers->Add(payer, std::move(waker))) {}
  ~DrainSource() override { broker_.drain_followers->Remove(ticket_); }

  NextResponse Next(absl::Time /*now*/) override {
    if (is_over_) return NextResponse::End({});
    const DrainProgress progress = broker_.drain->progress();
    if (progress.report == told_) return NextResponse::Nothing();
    told_ = progress.report;
    pb::DrainProgress message;
    message.set_clients_left(static_cast<int64_t>(progress.clients_left));
    message.set_going_down(progress.is_last);
    // A drain that began later shows that this one was cancelled.
    if (progress.state == DrainState::kServing || progress.drain != drain_) {
      is_over_ = true;
      message.set_state(pb::DrainProgress::STATE_CANCELLED);
    } else if (progress.state == DrainState::kDrained) {
      is_over_ = true;
      message.set_state(pb::DrainProgress::STATE_DRAINED);
    } else {
      message.set_state(pb::DrainProgress::STATE_DRAINING);
    }
    if (progress.drain == drain_ && drain_ != 0) {
      message.set_clients_at_start(
          static_cast<int64_t>(progress.clients_at_start));
      FillTimestamp(broker_.clock.ClockToWall(progress.started),
                    message.mutable_started_at());
      FillTimestamp(broker_.clock.ClockToWall(progress.ends),
                    message.mutable_ends_at());
    }
    return NextResponse::Of(message);
  }

 private:
  const AdminBroker& broker_;
  const uint64_t drain_;
  const DrainFollowers::Ticket ticket_;
  // The report that was told last; none at first.
  uint64_t told_ = UINT64_MAX;
  bool is_over_ = false;
};

CallStatus ParseDuration(const pb::DrainRequest& request,
                         absl::Duration* duration) {
  if (!request.has_duration()) {
    return BadForm("duration must be set, unless cancel is");
  }
  const google::protobuf::Duration& message = request.duration();
  constexpr int64_t kNanos = 1'000'000'000;
  // Others are none, or negative, or absl may not hold them exactly.
  const bool is_form = message.nanos() >= 0 && message.nanos() < kNanos;
  *duration =
      absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
  if (!is_form || *duration < absl::ZeroDuration() ||
      *duration > kLongestDrain) {
    return BadForm(absl::StrCat("duration must be 0 to ",
                                absl::FormatDuration(kLongestDrain), ", got ",
                                absl::FormatDuration(*duration)));
  }
  return {};
}

CallStatus AnswerDrain(const AdminCall& call, const pb::DrainRequest& request,
                       ResponseWaker waker,
                       std::shared_ptr<ResponseSource>* source) {
  Drain& drain = *call.broker.drain;
  const DrainProgress before = drain.progress();
  if (request.cancel()) {
    if (request.has_duration()) {
      return BadForm("duration must not be set if cancel is");
    }
    WriteAudit(call, "drain cancel asked",
               before.state != DrainState::kServing && !before.is_last, 0,
               Kv("clients", before.clients_left));
    if (!drain.Cancel(call.context.now)) return GoingDown();
  } else {
    absl::Duration duration;
    const CallStatus form = ParseDuration(request, &duration);
    if (!form.ok()) return form;
    const DrainFollowers& followers = *call.broker.drain_followers;
    if (followers.size() >= kMostDrainFollowers ||
        followers.CountOf(call.context.peer.payer()) >=
            kMostDrainFollowersOfOne) {
      return OverLimit(absl::StrCat(
          "calls that follow a drain must be at most ", kMostDrainFollowers,
          ", and of one user, or from one address, ",
          kMostDrainFollowersOfOne));
    }
    WriteAudit(call, "drain asked", !before.is_last, 0,
               absl::StrCat(Kv("duration", absl::FormatDuration(duration)),
                            Kv("clients", before.clients_left)));
    if (!drain.Begin(duration, call.context.now)) return GoingDown();
  }
  *source = std::make_shared<DrainSource>(call.broker, drain.progress().drain,
                                          call.context.peer.payer(),
                                          std::move(waker));
  return {};
}

ResponsesMethod::Limits LimitsOf(const AdminBroker& /*broker*/) {
  return {2 * kMostDrainFollowers, 2 * kMostDrainFollowersOfOne};
}

}  // namespace

AdminStreamingMethod DrainMethod() {
  return ResponsesOf<pb::DrainRequest>(LimitsOf, AnswerDrain);
}

}  // namespace rmq
