#include "client/session/broker_session.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/session/proto_duration.h"
#include "common/kv.h"
#include "glog/logging.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

absl::Status FromProto(const v1::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code()),
                      status.message());
}

// Takes a number off the front of `text`.
bool ConsumeNumber(absl::string_view* text, size_t* number) {
  const size_t digits =
      std::min(text->find_first_not_of("0123456789"), text->size());
  if (!absl::SimpleAtoi(text->substr(0, digits), number)) return false;
  text->remove_prefix(digits);
  return true;
}

// The limit that a refusal names, if it is about the size of a frame of `bytes`
// bytes, in the words of the broker or of gRPC; other words with such numbers
// are not about it.
absl::optional<size_t> LimitTold(const absl::Status& refusal, size_t bytes) {
  if (!absl::IsResourceExhausted(refusal)) return absl::nullopt;
  absl::string_view text = refusal.message();
  size_t limit = 0;
  size_t got = 0;
  bool is_told;
  if (absl::ConsumePrefix(&text, "frame must be at most ")) {
    is_told = ConsumeNumber(&text, &limit) &&
              absl::ConsumePrefix(&text, " bytes, got ") &&
              ConsumeNumber(&text, &got) && text.empty();
  } else {
    is_told =
        absl::ConsumePrefix(&text, "Received message larger than max (") &&
        ConsumeNumber(&text, &got) && absl::ConsumePrefix(&text, " vs. ") &&
        ConsumeNumber(&text, &limit) && text == ")";
  }
  if (!is_told || got != bytes || limit >= bytes) return absl::nullopt;
  return limit;
}

bool Offers(const v1::HeartbeatResponse& response, v1::Feature feature) {
  return std::find(response.features().begin(), response.features().end(),
                   feature) != response.features().end();
}

// The size of a frame with `statement`, or a little more.
size_t LargestFrame(const v1::HeartbeatRequest& statement) {
  constexpr size_t kNumbersAndTags = 32;  // What a frame and a stream add.
  return statement.ByteSizeLong() + kNumbersAndTags;
}

void Add(const std::string& group, std::string* first,
         google::protobuf::RepeatedPtrField<std::string>* others) {
  if (first->empty()) {
    *first = group;
  } else {
    *others->Add() = group;
  }
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
                             Observer* observer, std::function<double()> random,
                             std::function<uint64_t()> next_stream_number)
    : options_(std::move(options)),
      loop_(*loop),
      stub_(*stub),
      observer_(*observer),
      random_(std::move(random)),
      next_stream_number_(std::move(next_stream_number)),
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
    case BrokerState::kReserve:
      if (statement_ == nullptr) {
        current_ = {};
        Enter(BrokerState::kIdle);
      }
      break;
    case BrokerState::kRefused:
      if (statement_ == nullptr) {
        Enter(BrokerState::kIdle);
      } else if (LargestFrame(*statement_) <= frame_limit_) {
        Connect();
      } else {  // The limit may be another by now.
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

void BrokerSession::NoteSettling(absl::Time settled_at) {
  if (health_.state == BrokerState::kStating || IsOnline(health_.state)) {
    current_.settled_at = settled_at;
  }
  Rearm();
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

void BrokerSession::TakeOver() {
  CHECK(health_.state == BrokerState::kReserve) << Name(health_.state);
  LOG(INFO) << "the way to a broker that was in reserve is taken"
            << Kv("broker", broker_.address);
  Connect();
  Rearm();
}

void BrokerSession::EndReserve(BrokerState state) {
  CHECK(health_.state == BrokerState::kReserve) << Name(health_.state);
  LOG(WARNING) << "taken off the broker for good"
               << Kv("broker", broker_.address) << Kv("state", Name(state));
  Enter(state);
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
  CHECK(health_.state == BrokerState::kStating || IsOnline(health_.state) ||
        health_.state == BrokerState::kLeaving)
      << Name(health_.state);
  if (frame.has_reply()) {
    OnReply(frame.reply());
  } else if (frame.has_notify_consumer_ids_changed() &&
             health_.state != BrokerState::kLeaving) {
    const v1::NotifyConsumerIdsChanged& push =
        frame.notify_consumer_ids_changed();
    if (push.has_settling_until()) {
      current_.settled_at = loop_.Now() + FromProto(push.settling_until());
    }
    // A push may cross an unregistration.
    if (current_.stated.consumers.contains(push.group())) {
      observer_.OnConsumerIdsChanged(health_.broker, push.group());
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

void BrokerSession::OnFinished(const StreamEnd& end) {
  CHECK(current_.stream != nullptr) << Name(health_.state);
  if (end.status.ok() && health_.state != BrokerState::kLeaving) {
    LoseStream(
        {absl::UnavailableError("the broker ended the stream"), end.reason});
  } else {
    LoseStream(end);
  }
  Rearm();
}

void BrokerSession::Enter(BrokerState state) {
  VLOG(1) << "session state" << Kv("broker", broker_.address)
          << Kv("from", Name(health_.state)) << Kv("to", Name(state));
  if (std::exchange(health_.state, state) == state) return;
  if (IsOnline(state) || state == BrokerState::kIdle ||
      state == BrokerState::kReserve) {
    outage_since_ = absl::InfiniteFuture();
    outage_logged_ = false;
  }
  observer_.OnHealthChanged(health_);
}

void BrokerSession::Connect() {
  current_ = {};
  current_.stream = stub_.NewStream(this);
  current_.number = next_stream_number_();
  state_deadline_ = loop_.Now() + options_.connect_timeout;
  Enter(BrokerState::kConnecting);
  current_.stream->Start();
}

void BrokerSession::Leave() {
  state_deadline_ = loop_.Now() + options_.reply_timeout;
  UnregisterAllBut(nullptr);
  // The end of the stream takes all groups out. So does one request, if they
  // fit into one; more of them would only take their time.
  Groups rest = current_.to_unregister;
  TakeOneRequest(&rest);
  if (!rest.empty()) current_.to_unregister = {};
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
    // What is wanted again before its leave was written is still stated.
    for (const std::string& group : wanted) {
      if (to->erase(group) > 0) from->insert(group);
    }
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

void BrokerSession::LoseStream(const StreamEnd& end) {
  const bool leaving = health_.state == BrokerState::kLeaving;
  StreamState lost = std::exchange(current_, {});
  lost.stream = nullptr;
  if (!end.status.ok()) RecordError(end.status);
  if (end.reason == EndReason::kKicked) {
    OnKicked(end.status);
  } else if (WasReplaced(lost, end)) {
    OnReplaced(end.status);
  } else if (!leaving) {
    for (const Request& request : lost.requests) {
      if (request.statement == nullptr) continue;
      if (const auto limit = LimitTold(end.status, request.bytes)) {
        OnTooLarge(request.bytes, *limit);
        return;
      }
    }
    Pause();
  } else if (shutting_down_) {
    Stop(end.status);
  } else if (statement_ != nullptr) {
    Connect();
  } else {
    Enter(BrokerState::kIdle);
  }
}

bool BrokerSession::WasReplaced(const StreamState& lost, const StreamEnd& end) {
  if (end.reason == EndReason::kReplaced) return true;
  if (!absl::IsAborted(end.status) || lost.tells_end_reason || !lost.taken ||
      !taken_by_.has_value()) {
    return false;
  }
  if (aborted_by_ != taken_by_) {
    aborted_by_ = taken_by_;
    aborts_.clear();
  }
  const absl::Time now = loop_.Now();
  aborts_.push_back(now);
  if (aborts_.size() > kAbortsOfAReplaced) aborts_.pop_front();
  return aborts_.size() == kAbortsOfAReplaced &&
         aborts_.front() + kAbortWindow >= now;
}

void BrokerSession::OnReplaced(const absl::Status& reason) {
  if (shutting_down_) {
    Stop(absl::OkStatus());
  } else if (!observer_.KeepsInReserve(*this)) {
    LOG(WARNING) << "taken off the broker for good"
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

void BrokerSession::OnKicked(const absl::Status& reason) {
  if (shutting_down_) {
    Stop(absl::OkStatus());
    return;
  }
  LOG(WARNING) << "taken off the broker for good"
               << Kv("broker", broker_.address)
               << Kv("reason", reason.ToString());
  Enter(BrokerState::kKicked);
}

void BrokerSession::OnTooLarge(size_t bytes, size_t limit) {
  current_ = {};
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
  if (health_.state == BrokerState::kLeaving) {
    if (!current_.to_unregister.empty()) {
      WriteUnregister();
    } else {
      current_.half_closed = true;
      current_.stream->HalfClose();
    }
    return;
  }
  const absl::Time now = loop_.Now();
  const bool heartbeat = NextHeartbeat() <= now;
  const bool unregister = NextUnregister() <= now;
  // They take turns, so that neither keeps the other waiting.
  if (unregister && (!heartbeat || current_.heartbeat_was_last)) {
    WriteUnregister();
  } else if (heartbeat) {
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
    frame.mutable_heartbeat()->set_stream_number(current_.number);
    request.statement = statement_;
    if (std::exchange(stream_number_, current_.number) != current_.number) {
      taken_by_.reset();
    }
    for (const v1::ProducerData& producer : statement_->producers()) {
      current_.stated.producers.insert(producer.group());
    }
    for (const v1::ConsumerData& consumer : statement_->consumers()) {
      current_.stated.consumers.insert(consumer.group());
    }
  }
  const absl::Time now = loop_.Now();
  current_.heartbeat_unanswered = true;
  current_.heartbeat_was_last = true;
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
  Request request;
  request.unregistered = TakeOneRequest(&current_.to_unregister);
  for (const std::string& group : request.unregistered.producers) {
    Add(group, unregister.mutable_producer_group(),
        unregister.mutable_producer_groups());
  }
  for (const std::string& group : request.unregistered.consumers) {
    Add(group, unregister.mutable_consumer_group(),
        unregister.mutable_consumer_groups());
  }
  current_.heartbeat_was_last = false;
  current_.last_unregister = loop_.Now();
  Write(std::move(frame), std::move(request));
}

BrokerSession::Groups BrokerSession::TakeOneRequest(Groups* groups) const {
  constexpr size_t kBytesBesideAName = 4;  // Its tag and length.
  constexpr size_t kBytesBesideNames = 32;
  const bool many = current_.takes_many_groups;
  Groups taken;
  size_t count = 0;
  size_t bytes = kBytesBesideNames;
  const auto take = [&](absl::btree_set<std::string>* from,
                        absl::btree_set<std::string>* to) {
    while (!from->empty()) {
      const size_t size = from->begin()->size() + kBytesBesideAName;
      const bool fits =
          many ? count == 0 || (count < kMaxGroupsInOneRequest &&
                                bytes + size <= current_.request_limit)
               : to->empty();
      if (!fits) return;
      ++count;
      bytes += size;
      to->insert(std::move(from->extract(from->begin()).value()));
    }
  };
  take(&groups->producers, &taken.producers);
  take(&groups->consumers, &taken.consumers);
  return taken;
}

void BrokerSession::Write(v1::ClientFrame frame, Request request) {
  request.id = ++last_request_id_;
  request.sent = loop_.Now();
  frame.set_request_id(request.id);
  request.bytes = frame.ByteSizeLong();
  current_.last_frame = request.sent;
  current_.requests.push_back(std::move(request));
  current_.writing = true;
  current_.stream->Write(frame);
}

void BrokerSession::OnReply(const v1::Reply& reply) {
  if (current_.requests.empty() ||
      current_.requests.front().id != reply.request_id()) {
    LoseStream({absl::InternalError(absl::StrCat(
        "the broker answered request ", reply.request_id(), ", but ",
        current_.requests.empty()
            ? std::string("none is waiting")
            : absl::StrCat(current_.requests.front().id, " was next")))});
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
    if (const auto limit = LimitTold(status, request.bytes)) {
      if (request.statement == nullptr) {
        current_.request_limit = *limit;
      } else if (health_.state != BrokerState::kLeaving) {
        OnTooLarge(request.bytes, *limit);
        return;
      }
    }
    OnRefused(request, status);
  } else {
    if (current_.requests.empty() && current_.to_unregister.empty()) {
      current_.frame_gap = absl::ZeroDuration();
    }
    if (request.statement != nullptr) {
      OnFullHeartbeatTaken(request, reply.heartbeat());
    } else if (request.is_heartbeat &&
               reply.heartbeat().full_statement_needed()) {
      current_.token = 0;
      HeartbeatSoon();
    }
  }
  Pump();
}

void BrokerSession::OnFullHeartbeatTaken(const Request& request,
                                         const HeartbeatResponse& response) {
  current_.taken = true;
  current_.takes_many_groups =
      Offers(response, v1::FEATURE_UNREGISTER_MANY_GROUPS);
  current_.tells_end_reason = Offers(response, v1::FEATURE_END_REASON);
  if (response.broker_incarnation() != 0) {
    taken_by_ = {response.broker_name(), response.broker_id(),
                 response.broker_incarnation()};
  }
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

  if (health_.state == BrokerState::kLeaving) {
    if (!same) observer_.OnHealthChanged(health_);
    return;
  }
  if (health_.state == BrokerState::kStating) {
    if (std::exchange(was_online_, true)) ++health_.reconnects;
    LOG(INFO) << "online at the broker" << Kv("broker", broker_.address)
              << Kv("broker_name", health_.broker_name)
              << Kv("broker_id", health_.broker_id)
              << Kv("channel_expiry",
                    absl::FormatDuration(health_.channel_expiry))
              << Kv("reconnects", health_.reconnects)
              << (health_.skipped_groups.empty()
                      ? ""
                      : Kv("skipped_groups", health_.skipped_groups.size()));
  }
  const BrokerState reached = health_.skipped_groups.empty()
                                  ? BrokerState::kOnline
                                  : BrokerState::kPartial;
  if (health_.state != reached) {
    Enter(reached);
  } else if (!same) {
    observer_.OnHealthChanged(health_);
  }

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

void BrokerSession::OnRefused(const Request& request,
                              const absl::Status& status) {
  if (request.is_heartbeat) {
    current_.token = 0;
    const bool is_busy =
        request.statement != nullptr && absl::IsResourceExhausted(status);
    heartbeat_due_ = std::min(
        heartbeat_due_, request.sent + (is_busy ? kBusyHeartbeatDelay
                                                : kRefusedHeartbeatDelay));
  }
  if (absl::IsResourceExhausted(status) &&
      health_.state != BrokerState::kLeaving) {
    SlowDown(request);
    // But for those that a heartbeat has stated since.
    for (const std::string& group : request.unregistered.producers) {
      if (current_.stated.producers.contains(group)) continue;
      current_.to_unregister.producers.insert(group);
    }
    for (const std::string& group : request.unregistered.consumers) {
      if (current_.stated.consumers.contains(group)) continue;
      current_.to_unregister.consumers.insert(group);
    }
    UnregisterAllBut(statement_.get());
  }
  const bool news = status != health_.last_error;
  RecordError(status);
  if (!news) return;
  LOG(WARNING) << "the broker refused a request"
               << Kv("broker", broker_.address)
               << Kv("error", status.ToString());
  observer_.OnHealthChanged(health_);
}

void BrokerSession::ReportIfSettled() {
  if (loop_.Now() < current_.settled_at) return;
  current_.settled_at = absl::InfiniteFuture();
  for (const std::string& group : current_.reported) {
    observer_.OnConsumerIdsChanged(health_.broker, group);
  }
}

void BrokerSession::SlowDown(const Request& request) {
  // Several frames may have been on their way.
  if (request.sent < current_.slowed_at) return;
  current_.slowed_at = loop_.Now();
  current_.frame_gap =
      std::min(std::max(current_.frame_gap * 2, kFirstFrameGap), kMaxFrameGap);
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

absl::Time BrokerSession::NextHeartbeat() const {
  if (current_.heartbeat_unanswered) return absl::InfiniteFuture();
  return std::max(heartbeat_due_, current_.last_frame + current_.frame_gap);
}

absl::Time BrokerSession::NextUnregister() const {
  if (current_.to_unregister.empty()) return absl::InfiniteFuture();
  return std::max(current_.last_unregister + kUnregisterGap,
                  current_.last_frame + current_.frame_gap);
}

absl::Time BrokerSession::NextDeadline() const {
  switch (health_.state) {
    case BrokerState::kConnecting:
    case BrokerState::kBackoff:
    case BrokerState::kReserve:
    case BrokerState::kLeaving: return state_deadline_;
    case BrokerState::kStating:
    case BrokerState::kOnline:
    case BrokerState::kPartial: {
      absl::Time deadline = current_.settled_at;
      if (!current_.requests.empty()) {
        deadline = std::min(
            deadline, current_.requests.front().sent + options_.reply_timeout);
      }
      if (!current_.writing) {
        deadline = std::min({deadline, NextHeartbeat(), NextUnregister()});
      }
      return deadline;
    }
    case BrokerState::kIdle:
    case BrokerState::kRefused:
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
      LoseStream({absl::DeadlineExceededError(
          absl::StrCat("no connection within ",
                       absl::FormatDuration(options_.connect_timeout)))});
      break;
    case BrokerState::kBackoff:
    case BrokerState::kReserve: Connect(); break;
    case BrokerState::kLeaving:
      LoseStream({absl::DeadlineExceededError(
          absl::StrCat("the stream did not end within ",
                       absl::FormatDuration(options_.reply_timeout)))});
      break;
    case BrokerState::kStating:
    case BrokerState::kOnline:
    case BrokerState::kPartial:
      if (!current_.requests.empty() &&
          current_.requests.front().sent + options_.reply_timeout <=
              loop_.Now()) {
        LoseStream({absl::DeadlineExceededError(
            absl::StrCat("no answer within ",
                         absl::FormatDuration(options_.reply_timeout)))});
      } else {
        ReportIfSettled();
        Pump();
      }
      break;
    case BrokerState::kIdle:
    case BrokerState::kRefused:
    case BrokerState::kReplaced:
    case BrokerState::kKicked:
    case BrokerState::kStopped:
      LOG(FATAL) << "a timer in the state " << Name(health_.state);
  }
  Rearm();
}

}  // namespace rmq
