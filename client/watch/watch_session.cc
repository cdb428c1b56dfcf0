#include "client/watch/watch_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/session/unlisted_stay.h"
#include "client/watch/watch_protos.h"

namespace rmq {

namespace v1 = ::rocketmq::clientmanager::v1;

WatchSession::WatchSession(Options options, EventLoop* loop, WatchStub* stub,
                           Observer* observer, std::function<double()> random)
    : options_(std::move(options)),
      loop_(*loop),
      stub_(*stub),
      observer_(*observer),
      random_(std::move(random)),
      members_(options_.max_members),
      backoff_(options_.backoff),
      resume_(options_.from_revision),
      broker_incarnation_(options_.broker_incarnation) {}

WatchSession::~WatchSession() { SetTimer(absl::InfiniteFuture()); }

void WatchSession::OnRoom() {
  if (!std::exchange(waits_for_room_, false)) return;
  if (stream_ == nullptr) {
    Connect();
  } else {
    Read();
  }
}

v1::WatchRequest WatchSession::Request() const {
  v1::WatchRequest request;
  for (const std::string& group : options_.groups) request.add_groups(group);
  if (options_.consumers != options_.producers) {
    request.add_kinds(options_.consumers ? v1::GROUP_KIND_CONSUMER
                                         : v1::GROUP_KIND_PRODUCER);
  }
  request.set_from_revision(resume_);
  if (resume_ != 0) request.set_broker_incarnation(broker_incarnation_);
  return request;
}

void WatchSession::Connect() {
  if (!observer_.HasRoom()) {
    waits_for_room_ = true;
    return;
  }
  answered_ = false;
  seen_ = 0;
  began_with_snapshot_ = in_snapshot_ = resume_ == 0;
  if (in_snapshot_) members_.BeginSnapshot();
  stream_ = stub_.NewStream(this);
  stream_->Start(Request());
  SetTimer(loop_.Now() + options_.connect_timeout);
  stream_->Read();
}

void WatchSession::Read() {
  if (!observer_.HasRoom()) {
    // The broker may be silent as nobody reads.
    waits_for_room_ = true;
    SetTimer(absl::InfiniteFuture());
    return;
  }
  SetTimer(loop_.Now() + kSilence);
  stream_->Read();
}

void WatchSession::OnResponse(const v1::WatchResponse& response) {
  answered_ = true;
  Enter(/*connected=*/true, absl::OkStatus(), absl::InfiniteFuture());
  switch (response.content_case()) {
    case v1::WatchResponse::kProgress: OnProgress(response.progress()); break;
    case v1::WatchResponse::kSnapshot: OnSnapshot(response.snapshot()); break;
    case v1::WatchResponse::kEvent: OnEvent(response.event()); break;
    case v1::WatchResponse::CONTENT_NOT_SET: break;  // Of a later version.
  }
  // Not if the call was lost meanwhile.
  if (stream_ != nullptr && answered_) Read();
}

void WatchSession::OnProgress(const v1::WatchProgress& progress) {
  if (resume_ != 0 && broker_incarnation_ != 0 &&
      progress.broker_incarnation() != broker_incarnation_) {
    Lose({absl::OutOfRangeError("the broker is another process")});
    return;
  }
  broker_incarnation_ = progress.broker_incarnation();
  if (in_snapshot_ || progress.revision() < resume_) return;
  resume_ = progress.revision() + 1;
  told_ = 0;
  seen_ = 0;
  ResetBackoff();
}

void WatchSession::OnSnapshot(const v1::WatchSnapshot& snapshot) {
  if (!in_snapshot_) return;
  for (const v1::WatchedMember& member : snapshot.members()) {
    if (members_.Add(FromProto(member))) continue;
    Lose({TooManyMembers()});
    return;
  }
  if (!snapshot.last()) return;
  members_.EndSnapshot();
  in_snapshot_ = false;
  synced_ = true;
  resume_ = snapshot.revision() + 1;
  told_ = 0;
  ResetBackoff();
  observer_.OnSynced({snapshot.revision(), broker_incarnation_});
}

void WatchSession::OnEvent(const v1::WatchEvent& event) {
  if (!in_snapshot_) {
    if (event.revision() < resume_) return;
    if (event.revision() > resume_) {
      resume_ = event.revision();
      told_ = 0;
      seen_ = 0;
    }
    if (++seen_ <= told_) return;  // Told before the call was cut.
    told_ = seen_;
  }
  const WatchedEvent plain = FromProto(event);
  if ((in_snapshot_ || synced_) && !members_.Apply(plain)) {
    if (!in_snapshot_) LosePlace("too many members");
    Lose({TooManyMembers()});
    return;
  }
  if (!in_snapshot_) observer_.OnEvent(plain);
}

absl::Status WatchSession::TooManyMembers() const {
  return absl::ResourceExhaustedError(absl::StrCat(
      "the broker has more than ", options_.max_members,
      " members (max_members): watch fewer groups, or allow more"));
}

void WatchSession::OnFinished(const StreamEnd& end) { Lose(end); }

void WatchSession::LosePlace(const std::string& reason) {
  observer_.OnGap({resume_, broker_incarnation_, reason});
  resume_ = 0;
  told_ = 0;
  broker_incarnation_ = 0;
}

void WatchSession::Lose(const StreamEnd& end) {
  DropStream();
  last_end_ = end.reason;
  found_it_full_ = IsFull(end);
  if (absl::IsOutOfRange(end.status) && resume_ != 0) {
    LosePlace(std::string(end.status.message()));
    // Else a broker that takes back what it has just said were asked on and on.
    if (!began_with_snapshot_) {
      Connect();
      return;
    }
  }
  Backoff& backoff = IsDenial(end) ? denial_backoff_ : backoff_;
  const absl::Duration delay = backoff.NextAfter(end.retry_after, random_);
  const absl::Time retry_at = loop_.Now() + delay;
  SetTimer(retry_at);
  Enter(/*connected=*/false,
        end.status.ok() ? absl::UnavailableError("the broker ended the watch")
                        : end.status,
        retry_at);
}

void WatchSession::DropStream() {
  stream_ = nullptr;
  waits_for_room_ = false;
  in_snapshot_ = false;
  SetTimer(absl::InfiniteFuture());
}

void WatchSession::Enter(bool connected, const absl::Status& status,
                         absl::Time retry_at) {
  const bool same =
      reported_ && state_.connected == connected && state_.status == status;
  reported_ = true;
  state_ = {connected, status, retry_at};
  if (!same) observer_.OnState(state_);
}

void WatchSession::SetTimer(absl::Time when) {
  if (timer_ != 0) loop_.Cancel(std::exchange(timer_, 0));
  if (when != absl::InfiniteFuture()) {
    timer_ = loop_.RunAt(when, [this] { OnTimer(); });
  }
}

void WatchSession::OnTimer() {
  timer_ = 0;
  if (stream_ == nullptr) {
    Connect();
  } else if (answered_) {
    Lose({absl::DeadlineExceededError(absl::StrCat(
        "no word from the broker within ", absl::FormatDuration(kSilence)))});
  } else {
    Lose({absl::DeadlineExceededError(absl::StrCat(
        "no answer within ", absl::FormatDuration(options_.connect_timeout)))});
  }
}

}  // namespace rmq
