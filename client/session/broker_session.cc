#include "client/session/broker_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/session/frame_limit.h"
#include "client/session/proto_duration.h"
#include "common/kv.h"
#include "glog/logging.h"

// The states of a session, and what changes them. The ends of streams are in
// broker_session_ends.cc, their frames in broker_session_frames.cc.

namespace rmq {

namespace v1 = ::rocketmq::clientmanager::v1;

BrokerSession::Options::Options(const ClientOptions& options)
    : heartbeat_interval(options.heartbeat_interval),
      connect_timeout(options.connect_timeout),
      reply_timeout(options.reply_timeout),
      wants_members(options.on_membership_changed != nullptr) {
  backoff.initial = options.initial_backoff;
  backoff.maximum = options.max_backoff;
}

BrokerSession::BrokerSession(BrokerEntry broker, Options options,
                             EventLoop* loop, BrokerStub* stub,
                             Observer* observer, std::function<double()> random,
                             std::function<uint64_t()> next_stream_number)
    : options_(std::move(options)),
      loop_(*loop),
      stub_(*stub),
      observer_(*observer),
      random_(std::move(random)),
      next_stream_number_(std::move(next_stream_number)),
      broker_(std::move(broker)),
      backoff_(options_.backoff),
      memberships_(options_.wants_members) {
  NameBroker();
}

BrokerSession::~BrokerSession() {
  if (timer_ != 0) loop_.Cancel(timer_);
}

void BrokerSession::SetStatement(
    std::shared_ptr<const HeartbeatRequest> statement) {
  statement_ = std::move(statement);
  for (const std::string& group : memberships_.KeepOnly(statement_.get())) {
    observer_.OnMembershipEnded(health_.broker, group);
  }
  switch (health_.state) {
    case BrokerState::kIdle:
      if (statement_ != nullptr && !shutting_down_) LeaveIdle();
      break;
    case BrokerState::kConnecting:
    case BrokerState::kBackoff:
    case BrokerState::kReserve:
      if (statement_ == nullptr) {
        away_until_ = away_until();
        DropStream();
        Enter(BrokerState::kIdle);
      }
      break;
    case BrokerState::kRefused:
      if (statement_ == nullptr) {
        Enter(BrokerState::kIdle);
      } else if (LargestFrameOf(*statement_) <= frame_limit_) {
        Connect();
      } else {  // The broker may have another limit by now.
        Pause();
      }
      break;
    case BrokerState::kStating:
    case BrokerState::kOnline:
    case BrokerState::kPartial:
      if (statement_ == nullptr) {
        Leave();
      } else {
        current_.token = 0;
        current_.groups.KeepOnly(statement_.get());
        HeartbeatSoon();
        WriteNextFrame();
      }
      break;
    case BrokerState::kLeaving:  // LoseStream() uses the statement.
    case BrokerState::kReplaced:
    case BrokerState::kKicked:
    case BrokerState::kStopped: break;
  }
  RearmTimer();
}

void BrokerSession::Rename(BrokerEntry broker) {
  CHECK_EQ(broker.address, broker_.address);
  broker_ = std::move(broker);
  NameBroker();
  ReportHealth();
}

void BrokerSession::WantMembers(absl::string_view group) {
  memberships_.Want(group, loop_.Now());
  if (IsOnline(health_.state)) {
    WriteNextFrame();
    ReportMemberships();
  }
  RearmTimer();
}

BrokerHealth BrokerSession::WholeHealth() const {
  BrokerHealth health = health_;
  health.retry_at = retry_at();
  health.acknowledged_epochs = memberships_.Acknowledged();
  health.warnings = warnings_.holding();
  return health;
}

void BrokerSession::NoteSettling(absl::Time settled_at) {
  if (health_.state == BrokerState::kStating || IsOnline(health_.state)) {
    current_.settled_at = settled_at;
  }
  RearmTimer();
}

void BrokerSession::Shutdown() {
  if (std::exchange(shutting_down_, true)) return;
  switch (health_.state) {
    case BrokerState::kIdle:
    case BrokerState::kConnecting:
    case BrokerState::kBackoff:
    case BrokerState::kRefused:
    case BrokerState::kReserve:
    case BrokerState::kReplaced:
    case BrokerState::kKicked: Stop(absl::OkStatus()); break;
    case BrokerState::kStating:
    case BrokerState::kOnline:
    case BrokerState::kPartial: Leave(); break;
    case BrokerState::kLeaving:  // LoseStream() stops the session.
    case BrokerState::kStopped: break;
  }
  RearmTimer();
}

void BrokerSession::Abandon() {
  Shutdown();
  if (health_.state == BrokerState::kLeaving) {
    Stop(absl::DeadlineExceededError("no time left to unregister"));
  }
  RearmTimer();
}

void BrokerSession::OnStarted() {
  CHECK(health_.state == BrokerState::kConnecting) << Name(health_.state);
  Enter(BrokerState::kStating);
  HeartbeatSoon();
  WriteNextFrame();
  RearmTimer();
}

void BrokerSession::OnRead(const v1::BrokerFrame& frame) {
  CHECK(health_.state == BrokerState::kStating || IsOnline(health_.state) ||
        health_.state == BrokerState::kLeaving)
      << Name(health_.state);
  if (frame.has_reply()) {
    OnReply(frame.reply());
  } else if (frame.has_notify_consumer_ids_changed() &&
             health_.state != BrokerState::kLeaving) {
    OnPush(frame.notify_consumer_ids_changed());
  }
  RearmTimer();
}

void BrokerSession::OnWritten() {
  CHECK(current_.writing) << Name(health_.state);
  current_.writing = false;
  WriteNextFrame();
  RearmTimer();
}

void BrokerSession::OnFinished(const StreamEnd& end) {
  CHECK(current_.stream != nullptr) << Name(health_.state);
  if (end.status.ok() && health_.state != BrokerState::kLeaving) {
    LoseStream({absl::UnavailableError("the broker ended the stream"),
                end.reason, end.retry_after});
  } else {
    LoseStream(end);
  }
  RearmTimer();
}

void BrokerSession::Enter(BrokerState state) {
  VLOG(1) << "session state" << Kv("broker", broker_.address)
          << Kv("from", Name(health_.state)) << Kv("to", Name(state));
  if (std::exchange(health_.state, state) == state) return;
  if (IsOnline(state) || state == BrokerState::kIdle ||
      state == BrokerState::kReserve || state == BrokerState::kKicked) {
    outage_since_ = absl::InfiniteFuture();
    outage_logged_ = false;
  }
  ReportHealth();
}

void BrokerSession::DropStream() {
  current_ = {};
  memberships_.OnStreamLost();
}

void BrokerSession::Connect() {
  DropStream();
  away_until_ = absl::InfinitePast();
  current_.identity = stub_.IdentityGeneration();
  current_.stream = stub_.NewStream(this);
  current_.number = next_stream_number_();
  state_deadline_ = loop_.Now() + options_.connect_timeout;
  Enter(BrokerState::kConnecting);
  current_.stream->Start();
}

void BrokerSession::Leave() {
  state_deadline_ = loop_.Now() + options_.reply_timeout;
  current_.groups.KeepOnly(nullptr);
  // The end of the stream takes all groups out, and one request says why. More
  // requests would only delay the end.
  if (!current_.groups.OneRequestTakesAll()) {
    current_.groups.DropUnregistrations();
  }
  Enter(BrokerState::kLeaving);
  WriteNextFrame();
}

void BrokerSession::Stop(const absl::Status& status) {
  DropStream();
  statement_ = nullptr;
  state_deadline_ = absl::InfiniteFuture();
  for (const std::string& group : memberships_.KeepOnly(nullptr)) {
    observer_.OnMembershipEnded(health_.broker, group);
  }
  if (health_.state != BrokerState::kReplaced &&
      health_.state != BrokerState::kKicked) {
    Enter(BrokerState::kStopped);
  }
  if (std::exchange(stopped_, true)) return;
  observer_.OnStopped(health_.broker, status);
}

void BrokerSession::RecordError(const absl::Status& status) {
  health_.last_error = status;
  health_.last_error_at = loop_.Now();
}

void BrokerSession::NameBroker() {
  health_.broker = broker_;
  if (!broker_.name.empty()) return;
  health_.broker.name = health_.broker_name;
  health_.broker.id = health_.broker_id;
}

absl::Time BrokerSession::NextDeadline() const {
  switch (health_.state) {
    case BrokerState::kConnecting:
    case BrokerState::kReserve:
    case BrokerState::kKicked:
    case BrokerState::kLeaving: return state_deadline_;
    case BrokerState::kBackoff:
      return std::min(state_deadline_, identity_look_);
    case BrokerState::kStating:
    case BrokerState::kOnline:
    case BrokerState::kPartial: {
      absl::Time deadline = std::min(current_.settled_at, ReplyDeadline());
      if (!current_.writing) {
        deadline =
            std::min({deadline, NextHeartbeat(), NextUnregister(),
                      memberships_.NextAcknowledgment(), NextPageRequest()});
      }
      return deadline;
    }
    case BrokerState::kIdle:
    case BrokerState::kRefused:
    case BrokerState::kReplaced:
    case BrokerState::kStopped: return absl::InfiniteFuture();
  }
  return absl::InfiniteFuture();
}

void BrokerSession::RearmTimer() {
  const absl::Time deadline = NextDeadline();
  if (timer_ != 0 && timer_at_ == deadline) return;
  if (timer_ != 0) loop_.Cancel(std::exchange(timer_, 0));
  if (deadline == absl::InfiniteFuture()) return;
  timer_at_ = deadline;
  timer_ = loop_.RunAt(deadline, [this] { OnTimer(); });
}

void BrokerSession::OnTimer() {
  timer_ = 0;
  switch (health_.state) {
    case BrokerState::kConnecting:
      LoseStream({absl::DeadlineExceededError(
          absl::StrCat("no connection within ",
                       absl::FormatDuration(options_.connect_timeout)))});
      break;
    case BrokerState::kBackoff:
      // By the timer, not by the clock: the pause ends with its timer.
      if (timer_at_ < state_deadline_ &&
          stub_.IdentityGeneration() == denied_identity_) {
        identity_look_ = timer_at_ + kIdentityPeriod;
        break;
      }
      Connect();
      break;
    case BrokerState::kReserve: Connect(); break;
    case BrokerState::kKicked: ComeBack(); break;
    case BrokerState::kLeaving:
      LoseStream({absl::DeadlineExceededError(
          absl::StrCat("the stream did not end within ",
                       absl::FormatDuration(options_.reply_timeout)))});
      break;
    case BrokerState::kStating:
    case BrokerState::kOnline:
    case BrokerState::kPartial:
      if (ReplyDeadline() <= loop_.Now()) {
        LoseStream({absl::DeadlineExceededError(
            absl::StrCat("no answer within ",
                         absl::FormatDuration(options_.reply_timeout)))});
      } else {
        ReportIfSettled();
        WriteNextFrame();
      }
      break;
    case BrokerState::kIdle:
    case BrokerState::kRefused:
    case BrokerState::kReplaced:
    case BrokerState::kStopped:
      LOG(FATAL) << "a timer in the state " << Name(health_.state);
  }
  RearmTimer();
}

}  // namespace rmq
