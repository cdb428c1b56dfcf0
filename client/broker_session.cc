#include "client/broker_session.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/kv.h"
#include "glog/logging.h"
#include "google/protobuf/duration.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

absl::Status FromProto(const v1::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code()),
                      status.message());
}

std::vector<SkippedGroup> SkippedGroups(const v1::HeartbeatResponse& response) {
  std::vector<SkippedGroup> groups;
  for (const v1::SkippedGroup& skipped : response.skipped_groups()) {
    groups.push_back({skipped.group(), skipped.producer(), skipped.message()});
  }
  return groups;
}

bool SameGroups(const std::vector<SkippedGroup>& a,
                const std::vector<SkippedGroup>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const SkippedGroup& x, const SkippedGroup& y) {
                      return x.group == y.group &&
                             x.is_producer == y.is_producer;
                    });
}

bool IsSkipped(const std::vector<SkippedGroup>& skipped,
               absl::string_view consumer_group) {
  return std::any_of(skipped.begin(), skipped.end(),
                     [consumer_group](const SkippedGroup& s) {
                       return !s.is_producer && s.group == consumer_group;
                     });
}

}  // namespace

BrokerSession::BrokerSession(BrokerEntry broker, Options options,
                             EventLoop* loop, BrokerStub* stub,
                             Observer* observer, std::function<double()> random)
    : options_(std::move(options)),
      loop_(*loop),
      stub_(*stub),
      observer_(*observer),
      random_(std::move(random)),
      broker_(std::move(broker)),
      backoff_(options_.backoff) {
  NameBroker();
}

BrokerSession::~BrokerSession() {
  if (timer_ != 0) loop_.Cancel(timer_);
}

void BrokerSession::SetStatement(
    std::shared_ptr<const HeartbeatRequest> statement) {
  statement_ = std::move(statement);
  switch (health_.state) {
    case BrokerState::kIdle:
      if (statement_ != nullptr && !shutting_down_) Connect();
      break;
    case BrokerState::kConnecting:
    case BrokerState::kBackoff:
      if (statement_ == nullptr) {
        current_ = {};
        Enter(BrokerState::kIdle);
      }
      break;
    case BrokerState::kStating:
    case BrokerState::kOnline:
      if (statement_ == nullptr) {
        Leave();
      } else {
        current_.token = 0;
        UnregisterAllBut(statement_.get());
        HeartbeatSoon();
        Pump();
      }
      break;
    case BrokerState::kLeaving:  // Looked at when the stream has ended.
    case BrokerState::kReplaced:
    case BrokerState::kKicked:
    case BrokerState::kStopped: break;
  }
  Rearm();
}

void BrokerSession::Rename(BrokerEntry broker) {
  CHECK_EQ(broker.address, broker_.address);
  broker_ = std::move(broker);
  NameBroker();
  observer_.OnHealthChanged(health_);
}

void BrokerSession::Shutdown() {
  if (std::exchange(shutting_down_, true)) return;
  switch (health_.state) {
    case BrokerState::kIdle:
    case BrokerState::kConnecting:
    case BrokerState::kBackoff:
    case BrokerState::kReplaced:
    case BrokerState::kKicked: Stop(absl::OkStatus()); break;
    case BrokerState::kStating:
    case BrokerState::kOnline: Leave(); break;
    case BrokerState::kLeaving:  // Stops when the stream has ended.
    case BrokerState::kStopped: break;
  }
  Rearm();
}

void BrokerSession::Abandon() {
  Shutdown();
  if (health_.state == BrokerState::kLeaving) {
    Stop(absl::DeadlineExceededError("no time left to unregister"));
  }
  Rearm();
}

void BrokerSession::OnStarted() {
  CHECK(health_.state == BrokerState::kConnecting) << Name(health_.state);
  Enter(BrokerState::kStating);
  HeartbeatSoon();
  Pump();
  Rearm();
}

void BrokerSession::OnRead(const v1::BrokerFrame& frame) {
  CHECK(health_.state == BrokerState::kStating ||
        health_.state == BrokerState::kOnline ||
        health_.state == BrokerState::kLeaving)
      << Name(health_.state);
  if (frame.has_reply()) {
    OnReply(frame.reply());
  } else if (frame.has_notify_consumer_ids_changed() &&
             health_.state != BrokerState::kLeaving) {
    const std::string& group = frame.notify_consumer_ids_changed().group();
    // A push may cross an unregistration.
    if (current_.stated.consumers.contains(group)) {
      observer_.OnConsumerIdsChanged(health_.broker, group);
    }
  }
  Rearm();
}

void BrokerSession::OnWritten() {
  CHECK(current_.writing) << Name(health_.state);
  current_.writing = false;
  Pump();
  Rearm();
}

void BrokerSession::OnFinished(const absl::Status& status) {
  CHECK(current_.stream != nullptr) << Name(health_.state);
  if (status.ok() && health_.state != BrokerState::kLeaving) {
    LoseStream(absl::UnavailableError("the broker ended the stream"));
  } else {
    LoseStream(status);
  }
  Rearm();
}

void BrokerSession::Enter(BrokerState state) {
  VLOG(1) << "session state" << Kv("broker", broker_.address)
          << Kv("from", Name(health_.state)) << Kv("to", Name(state));
  if (std::exchange(health_.state, state) == state) return;
  if (state == BrokerState::kOnline || state == BrokerState::kIdle) {
    outage_since_ = absl::InfiniteFuture();
    outage_logged_ = false;
  }
  observer_.OnHealthChanged(health_);
}

void BrokerSession::Connect() {
  current_ = {};
  current_.stream = stub_.NewStream(this);
  state_deadline_ = loop_.Now() + options_.connect_timeout;
  Enter(BrokerState::kConnecting);
  current_.stream->Start();
}

void BrokerSession::Leave() {
  state_deadline_ = loop_.Now() + options_.reply_timeout;
  UnregisterAllBut(nullptr);
  Enter(BrokerState::kLeaving);
  Pump();
}

void BrokerSession::UnregisterAllBut(const HeartbeatRequest* statement) {
  Groups wanted;
  if (statement != nullptr) {
    for (const v1::ProducerData& producer : statement->producers()) {
      wanted.producers.insert(producer.group());
    }
    for (const v1::ConsumerData& consumer : statement->consumers()) {
      wanted.consumers.insert(consumer.group());
    }
  }
  const auto move_unwanted = [](absl::btree_set<std::string>* from,
                                const absl::btree_set<std::string>& wanted,
                                absl::btree_set<std::string>* to) {
    for (auto it = from->begin(); it != from->end();) {
      if (wanted.contains(*it)) {
        ++it;
        continue;
      }
      to->insert(*it);
      it = from->erase(it);
    }
  };
  move_unwanted(&current_.stated.producers, wanted.producers,
                &current_.to_unregister.producers);
  move_unwanted(&current_.stated.consumers, wanted.consumers,
                &current_.to_unregister.consumers);
  for (const std::string& group : current_.to_unregister.consumers) {
    current_.reported.erase(group);
  }
}

void BrokerSession::LoseStream(const absl::Status& reason) {
  const bool leaving = health_.state == BrokerState::kLeaving;
  current_ = {};
  if (!reason.ok()) RecordError(reason);
  if (absl::IsAborted(reason) || absl::IsPermissionDenied(reason)) {
    LOG(WARNING) << "taken off the broker for good"
                 << Kv("broker", broker_.address)
                 << Kv("reason", reason.ToString());
    Enter(absl::IsAborted(reason) ? BrokerState::kReplaced
                                  : BrokerState::kKicked);
    if (shutting_down_) Stop(absl::OkStatus());
  } else if (!leaving) {
    Pause();
  } else if (shutting_down_) {
    Stop(reason);
  } else if (statement_ != nullptr) {
    Connect();
  } else {
    Enter(BrokerState::kIdle);
  }
}

void BrokerSession::Pause() {
  const absl::Time now = loop_.Now();
  const absl::Duration delay = backoff_.Next(random_);
  state_deadline_ = now + delay;
  outage_since_ = std::min(outage_since_, now);
  const absl::Duration outage = now - outage_since_;
  if (outage == absl::ZeroDuration()) {
    LOG(INFO) << "no stream to the broker, trying again"
              << Kv("broker", broker_.address)
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

void BrokerSession::Stop(const absl::Status& status) {
  current_ = {};
  statement_ = nullptr;
  if (health_.state != BrokerState::kReplaced &&
      health_.state != BrokerState::kKicked) {
    Enter(BrokerState::kStopped);
  }
  if (std::exchange(stopped_, true)) return;
  observer_.OnStopped(health_.broker, status);
}

void BrokerSession::Pump() {
  if (current_.writing || current_.half_closed) return;
  if (!current_.to_unregister.empty()) {
    WriteUnregister();
  } else if (health_.state == BrokerState::kLeaving) {
    current_.half_closed = true;
    current_.stream->HalfClose();
  } else if (!current_.heartbeat_unanswered && heartbeat_due_ <= loop_.Now()) {
    WriteHeartbeat();
  }
}

void BrokerSession::WriteHeartbeat() {
  v1::ClientFrame frame;
  Request request;
  request.is_heartbeat = true;
  if (current_.token != 0) {
    frame.mutable_heartbeat()->set_statement_token(current_.token);
  } else {
    *frame.mutable_heartbeat() = *statement_;
    request.statement = statement_;
    for (const v1::ProducerData& producer : statement_->producers()) {
      current_.stated.producers.insert(producer.group());
    }
    for (const v1::ConsumerData& consumer : statement_->consumers()) {
      current_.stated.consumers.insert(consumer.group());
    }
  }
  const absl::Time now = loop_.Now();
  current_.heartbeat_unanswered = true;
  current_.last_heartbeat = now;
  health_.heartbeat_sent = now;
  heartbeat_due_ =
      now + (heartbeats_sent_ == 0 ? std::min(kSecondHeartbeatDelay, Interval())
                                   : Interval());
  ++heartbeats_sent_;
  Write(std::move(frame), std::move(request));
}

void BrokerSession::WriteUnregister() {
  v1::ClientFrame frame;
  v1::UnregisterClientRequest& unregister = *frame.mutable_unregister_client();
  Groups& groups = current_.to_unregister;
  if (!groups.producers.empty()) {
    unregister.set_producer_group(*groups.producers.begin());
    groups.producers.erase(groups.producers.begin());
  }
  if (!groups.consumers.empty()) {
    unregister.set_consumer_group(*groups.consumers.begin());
    groups.consumers.erase(groups.consumers.begin());
  }
  Write(std::move(frame), Request());
}

void BrokerSession::Write(v1::ClientFrame frame, Request request) {
  request.id = ++last_request_id_;
  request.sent = loop_.Now();
  frame.set_request_id(request.id);
  current_.requests.push_back(std::move(request));
  current_.writing = true;
  current_.stream->Write(frame);
}

void BrokerSession::OnReply(const v1::Reply& reply) {
  if (current_.requests.empty() ||
      current_.requests.front().id != reply.request_id()) {
    LoseStream(absl::InternalError(absl::StrCat(
        "the broker answered request ", reply.request_id(), ", but ",
        current_.requests.empty()
            ? std::string("none is waiting")
            : absl::StrCat(current_.requests.front().id, " was next"))));
    return;
  }
  const Request request = std::move(current_.requests.front());
  current_.requests.pop_front();
  if (!std::exchange(current_.heard, true)) backoff_.Reset();
  const absl::Status status = FromProto(reply.status());
  if (request.is_heartbeat) {
    const absl::Time now = loop_.Now();
    current_.heartbeat_unanswered = false;
    health_.heartbeat_answered = now;
    health_.round_trip = now - request.sent;
  }
  if (!status.ok()) {
    OnRefused(status);
    if (request.is_heartbeat) {
      current_.token = 0;
      heartbeat_due_ =
          std::min(heartbeat_due_, request.sent + kRefusedHeartbeatDelay);
    }
  } else if (request.statement != nullptr) {
    OnFullHeartbeatTaken(request, reply.heartbeat());
  } else if (request.is_heartbeat &&
             reply.heartbeat().full_statement_needed()) {
    current_.token = 0;
    HeartbeatSoon();
  }
  Pump();
}

void BrokerSession::OnFullHeartbeatTaken(const Request& request,
                                         const HeartbeatResponse& response) {
  // An answer to what is stated no longer says nothing about what is.
  if (request.statement == statement_) {
    current_.token = response.statement_token();
  }
  if (health_.broker_name != response.broker_name() ||
      health_.broker_id != response.broker_id()) {
    health_.broker_name = response.broker_name();
    health_.broker_id = response.broker_id();
    NameBroker();
    if (health_.broker.name != health_.broker_name ||
        health_.broker.id != health_.broker_id) {
      LOG(WARNING) << "the resolver gives the broker another name"
                   << Kv("broker", broker_.address)
                   << Kv("broker_name", health_.broker_name)
                   << Kv("broker_id", health_.broker_id)
                   << Kv("resolver_name", broker_.name)
                   << Kv("resolver_id", broker_.id);
    }
  }
  health_.channel_expiry = FromProto(response.channel_expiry());
  heartbeat_due_ =
      std::min(heartbeat_due_, current_.last_heartbeat + Interval());

  std::vector<SkippedGroup> skipped = SkippedGroups(response);
  const bool same = SameGroups(skipped, health_.skipped_groups);
  health_.skipped_groups = std::move(skipped);
  if (!same) {
    for (const SkippedGroup& group : health_.skipped_groups) {
      LOG(WARNING) << "the broker did not register a group"
                   << Kv("broker", broker_.address) << Kv("group", group.group)
                   << Kv("kind", group.is_producer ? "producer" : "consumer")
                   << Kv("reason", group.message);
    }
  }

  if (health_.state == BrokerState::kStating) {
    if (std::exchange(was_online_, true)) ++health_.reconnects;
    LOG(INFO) << "online at the broker" << Kv("broker", broker_.address)
              << Kv("broker_name", health_.broker_name)
              << Kv("broker_id", health_.broker_id)
              << Kv("channel_expiry",
                    absl::FormatDuration(health_.channel_expiry))
              << Kv("reconnects", health_.reconnects);
    Enter(BrokerState::kOnline);
  } else if (!same) {
    observer_.OnHealthChanged(health_);
  }
  if (health_.state != BrokerState::kOnline) return;  // Leaving.

  for (const v1::ConsumerData& consumer : request.statement->consumers()) {
    const std::string& group = consumer.group();
    if (!current_.stated.consumers.contains(group) ||
        IsSkipped(health_.skipped_groups, group) ||
        !current_.reported.insert(group).second) {
      continue;
    }
    observer_.OnConsumerIdsChanged(health_.broker, group);
  }
}

void BrokerSession::OnRefused(const absl::Status& status) {
  const bool news = status != health_.last_error;
  RecordError(status);
  if (!news) return;
  LOG(WARNING) << "the broker refused a request"
               << Kv("broker", broker_.address)
               << Kv("error", status.ToString());
  observer_.OnHealthChanged(health_);
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

absl::Duration BrokerSession::Interval() const {
  absl::Duration interval = options_.heartbeat_interval;
  if (health_.channel_expiry > absl::ZeroDuration()) {
    interval = std::min(interval, health_.channel_expiry / 3);
  }
  return std::max(interval, kMinHeartbeatGap);
}

void BrokerSession::HeartbeatSoon() {
  heartbeat_due_ =
      std::max(loop_.Now(), current_.last_heartbeat + kMinHeartbeatGap);
}

absl::Time BrokerSession::NextDeadline() const {
  switch (health_.state) {
    case BrokerState::kConnecting:
    case BrokerState::kBackoff:
    case BrokerState::kLeaving: return state_deadline_;
    case BrokerState::kStating:
    case BrokerState::kOnline: {
      absl::Time deadline = absl::InfiniteFuture();
      if (!current_.requests.empty()) {
        deadline = current_.requests.front().sent + options_.reply_timeout;
      }
      if (!current_.writing && !current_.heartbeat_unanswered) {
        deadline = std::min(deadline, heartbeat_due_);
      }
      return deadline;
    }
    case BrokerState::kIdle:
    case BrokerState::kReplaced:
    case BrokerState::kKicked:
    case BrokerState::kStopped: return absl::InfiniteFuture();
  }
  return absl::InfiniteFuture();
}

void BrokerSession::Rearm() {
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
      LoseStream(absl::DeadlineExceededError(
          absl::StrCat("no connection within ",
                       absl::FormatDuration(options_.connect_timeout))));
      break;
    case BrokerState::kBackoff: Connect(); break;
    case BrokerState::kLeaving:
      LoseStream(absl::DeadlineExceededError(
          absl::StrCat("the stream did not end within ",
                       absl::FormatDuration(options_.reply_timeout))));
      break;
    case BrokerState::kStating:
    case BrokerState::kOnline:
      if (!current_.requests.empty() &&
          current_.requests.front().sent + options_.reply_timeout <=
              loop_.Now()) {
        LoseStream(absl::DeadlineExceededError(
            absl::StrCat("no answer within ",
                         absl::FormatDuration(options_.reply_timeout))));
      } else {
        Pump();
      }
      break;
    case BrokerState::kIdle:
    case BrokerState::kReplaced:
    case BrokerState::kKicked:
    case BrokerState::kStopped:
      LOG(FATAL) << "a timer in the state " << Name(health_.state);
  }
  Rearm();
}

}  // namespace rmq
