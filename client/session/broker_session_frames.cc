#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/session/broker_session.h"
#include "client/session/frame_limit.h"
#include "client/session/proto_duration.h"
#include "common/kv.h"
#include "glog/logging.h"

// The frames that a session writes to its stream, and the answers to them.

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

absl::Status FromProto(const v1::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code()),
                      status.message());
}

bool Offers(const v1::HeartbeatResponse& response, v1::Feature feature) {
  return std::find(response.features().begin(), response.features().end(),
                   feature) != response.features().end();
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

void BrokerSession::WriteNextFrame() {
  if (current_.writing || current_.half_closed) return;
  if (health_.state == BrokerState::kLeaving) {
    if (current_.groups.has_unregistrations()) {
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
  // The two kinds take turns, so that neither delays the other.
  if (unregister && (!heartbeat || current_.pace.heartbeat_was_last())) {
    WriteUnregister();
  } else if (heartbeat) {
    WriteHeartbeat();
  } else if (memberships_.NextAcknowledgment() <= now) {
    WriteAcknowledgments();
  } else if (NextPageRequest() <= now) {
    WritePageRequest();
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
      accepted_by_.reset();
    }
    current_.groups.AddStated(*statement_);
  }
  const absl::Time now = loop_.Now();
  current_.heartbeat_unanswered = true;
  current_.pace.OnHeartbeatWritten(now);
  health_.heartbeat_sent = now;
  heartbeat_due_ =
      now + (heartbeats_sent_ == 0 ? std::min(kSecondHeartbeatDelay, Interval())
                                   : Interval());
  ++heartbeats_sent_;
  Write(std::move(frame), std::move(request));
}

void BrokerSession::WriteUnregister() {
  v1::ClientFrame frame;
  Request request;
  request.unregistered = current_.groups.TakeRequest();
  *frame.mutable_unregister_client() =
      UnregisterRequestOf(request.unregistered);
  current_.pace.OnUnregistrationWritten(loop_.Now());
  Write(std::move(frame), std::move(request));
}

void BrokerSession::WriteAcknowledgments() {
  v1::ClientFrame frame;
  *frame.mutable_acknowledge() = memberships_.TakeAcknowledgments(loop_.Now());
  WriteFrame(frame);
}

void BrokerSession::WritePageRequest() {
  SessionMemberships::PageRequest page =
      memberships_.TakePageRequest(loop_.Now());
  v1::ClientFrame frame;
  *frame.mutable_get_consumer_list_by_group() = std::move(page.request);
  Request request;
  request.listing_membership = page.membership;
  current_.pace.OnPageRequestWritten(loop_.Now());
  Write(std::move(frame), std::move(request));
}

void BrokerSession::Write(v1::ClientFrame frame, Request request) {
  request.id = ++last_request_id_;
  request.sent = loop_.Now();
  frame.set_request_id(request.id);
  request.bytes = frame.ByteSizeLong();
  current_.requests.push_back(std::move(request));
  WriteFrame(frame);
}

void BrokerSession::WriteFrame(const v1::ClientFrame& frame) {
  current_.writing = true;
  current_.writing_since = loop_.Now();
  current_.stream->Write(frame);
}

void BrokerSession::OnPush(const v1::NotifyConsumerIdsChanged& push) {
  const absl::Time now = loop_.Now();
  if (push.has_settling_until()) {
    current_.settled_at = now + FromProto(push.settling_until());
  }
  // A push and an unregistration may cross on their ways.
  if (!current_.groups.IsStatedConsumer(push.group())) return;
  if (memberships_.OnPush(push, now)) {
    observer_.OnConsumerIdsChanged(health_.broker, push.group());
  }
  WriteNextFrame();
  ReportMemberships();
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
  if (!std::exchange(current_.has_reply, true)) backoff_.Reset();
  const absl::Status status = FromProto(reply.status());
  if (request.is_heartbeat) {
    const absl::Time now = loop_.Now();
    current_.heartbeat_unanswered = false;
    health_.heartbeat_answered = now;
    health_.round_trip = now - request.sent;
  }
  if (request.listing_membership != 0) {
    OnPageReply(request, reply, status);
  } else if (!status.ok()) {
    if (const auto limit = FrameLimitOf(status, request.bytes)) {
      if (request.statement == nullptr) {
        current_.groups.set_max_request_bytes(*limit);
      } else if (health_.state != BrokerState::kLeaving) {
        OnTooLarge(request.bytes, *limit);
        return;
      }
    }
    OnRefused(request, status);
  } else {
    if (current_.requests.empty() && !current_.groups.has_unregistrations()) {
      current_.pace.EndSlowDown();
    }
    if (request.statement != nullptr) {
      OnFullHeartbeatAccepted(request, reply.heartbeat());
    } else if (request.is_heartbeat) {
      TakeWarnings(reply.heartbeat(), /*is_full=*/false);
      if (reply.heartbeat().full_statement_needed()) {
        current_.token = 0;
        HeartbeatSoon();
      }
    }
  }
  WriteNextFrame();
  ReportMemberships();
}

void BrokerSession::OnPageReply(const Request& request, const v1::Reply& reply,
                                const absl::Status& status) {
  const absl::Time now = loop_.Now();
  if (status.ok()) {
    const v1::GetConsumerListByGroupResponse& page =
        reply.get_consumer_list_by_group();
    if (page.has_settling_until()) {
      current_.settled_at = now + FromProto(page.settling_until());
    }
    memberships_.OnPage(request.listing_membership, page, now);
    return;
  }
  memberships_.OnPageRefused(request.listing_membership, now);
  if (absl::IsResourceExhausted(status)) {
    current_.pace.SlowDown(request.sent, now);
  }
  // The list changes too fast, or the client is being taken out of the group.
  if (absl::IsAborted(status) || absl::IsNotFound(status)) return;
  ShowRefusal(status);
}

void BrokerSession::TakeWarnings(const HeartbeatResponse& response,
                                 bool is_full) {
  for (const BrokerWarning& warning :
       warnings_.Take(response, is_full, health_.broker)) {
    LOG(WARNING) << "the broker warns" << Kv("broker", broker_.address)
                 << Kv("kind", Name(warning.kind)) << Kv("group", warning.group)
                 << Kv("message", warning.message);
    observer_.OnWarning(warning);
  }
}

void BrokerSession::ReportMemberships() {
  if (!IsOnline(health_.state)) return;
  for (const auto& [group, report] : memberships_.TakeReports()) {
    observer_.OnMembershipChanged(health_.broker, group, report,
                                  current_.settled_at);
  }
}

void BrokerSession::OnFullHeartbeatAccepted(const Request& request,
                                            const HeartbeatResponse& response) {
  current_.accepted = true;
  denial_backoff_.Reset();
  denial_ = absl::OkStatus();
  current_.groups.set_broker_takes_many(
      Offers(response, v1::FEATURE_UNREGISTER_MANY_GROUPS));
  current_.gives_end_reason = Offers(response, v1::FEATURE_END_REASON);
  LearnIdentity(response);
  // The token is that of the statement which was answered. If the client states
  // something else by now, a full heartbeat follows.
  if (request.statement == statement_) {
    current_.token = response.statement_token();
  }
  health_.channel_expiry = FromProto(response.channel_expiry());
  heartbeat_due_ =
      std::min(heartbeat_due_, current_.pace.last_heartbeat() + Interval());
  const bool skipped_others = LearnSkippedGroups(response);

  if (health_.state == BrokerState::kLeaving) {
    if (skipped_others) ReportHealth();
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
  } else if (skipped_others) {
    ReportHealth();
  }
  TakeWarnings(response, /*is_full=*/true);

  std::vector<std::string> accepted;
  for (const v1::ConsumerData& consumer : request.statement->consumers()) {
    const std::string& group = consumer.group();
    if (IsSkipped(health_.skipped_groups, group)) continue;
    accepted.push_back(group);
    if (current_.groups.AddReported(group)) {
      observer_.OnConsumerIdsChanged(health_.broker, group);
    }
  }
  memberships_.OnAccepted(accepted, response, Interval(), loop_.Now());
}

void BrokerSession::LearnIdentity(const HeartbeatResponse& response) {
  if (response.broker_incarnation() != 0) {
    accepted_by_ = {response.broker_name(), response.broker_id(),
                    response.broker_incarnation()};
  }
  if (health_.broker_name == response.broker_name() &&
      health_.broker_id == response.broker_id()) {
    return;
  }
  health_.broker_name = response.broker_name();
  health_.broker_id = response.broker_id();
  NameBroker();
  if (health_.broker.name == health_.broker_name &&
      health_.broker.id == health_.broker_id) {
    return;
  }
  LOG(WARNING) << "the resolver gives the broker another name"
               << Kv("broker", broker_.address)
               << Kv("broker_name", health_.broker_name)
               << Kv("broker_id", health_.broker_id)
               << Kv("resolver_name", broker_.name)
               << Kv("resolver_id", broker_.id);
}

bool BrokerSession::LearnSkippedGroups(const HeartbeatResponse& response) {
  std::vector<SkippedGroup> skipped = SkippedGroups(response);
  const bool same = SameGroups(skipped, health_.skipped_groups);
  health_.skipped_groups = std::move(skipped);
  if (same) return false;
  for (const SkippedGroup& group : health_.skipped_groups) {
    LOG(WARNING) << "the broker did not register a group"
                 << Kv("broker", broker_.address) << Kv("group", group.group)
                 << Kv("kind", group.is_producer ? "producer" : "consumer")
                 << Kv("reason", group.message);
  }
  return true;
}

void BrokerSession::OnRefused(const Request& request,
                              const absl::Status& status) {
  if (request.statement != nullptr && IsDenial(status) &&
      health_.state == BrokerState::kStating) {
    current_.denial = status;
    current_.denied_at = loop_.Now();
    return;
  }
  if (request.is_heartbeat) {
    current_.token = 0;
    const bool is_busy =
        request.statement != nullptr && absl::IsResourceExhausted(status);
    // What was denied is not allowed any sooner by asking again.
    if (!IsDenial(status)) {
      heartbeat_due_ = std::min(
          heartbeat_due_, request.sent + (is_busy ? kBusyHeartbeatDelay
                                                  : kRefusedHeartbeatDelay));
    }
  }
  if (absl::IsResourceExhausted(status) &&
      health_.state != BrokerState::kLeaving) {
    found_it_full_ = true;
    current_.pace.SlowDown(request.sent, loop_.Now());
    current_.groups.UnregisterAgain(request.unregistered);
    current_.groups.KeepOnly(statement_.get());
  }
  ShowRefusal(status);
}

void BrokerSession::ShowRefusal(const absl::Status& status) {
  const bool news = status != health_.last_error;
  RecordError(status);
  if (!news) return;
  LOG(WARNING) << "the broker refused a request"
               << Kv("broker", broker_.address)
               << Kv("error", status.ToString());
  ReportHealth();
}

void BrokerSession::ReportIfSettled() {
  if (loop_.Now() < current_.settled_at) return;
  current_.settled_at = absl::InfiniteFuture();
  for (const std::string& group : current_.groups.reported()) {
    observer_.OnConsumerIdsChanged(health_.broker, group);
  }
  memberships_.ReportAllAgain();
  ReportMemberships();
}

absl::Duration BrokerSession::Interval() const {
  absl::Duration interval = options_.heartbeat_interval;
  if (health_.channel_expiry > absl::ZeroDuration()) {
    interval = std::min(interval, health_.channel_expiry / 3);
  }
  return std::max(interval, FramePace::kMinHeartbeatGap);
}

void BrokerSession::HeartbeatSoon() {
  heartbeat_due_ = std::max(loop_.Now(), current_.pace.last_heartbeat() +
                                             FramePace::kMinHeartbeatGap);
}

absl::Time BrokerSession::NextHeartbeat() const {
  if (current_.heartbeat_unanswered || !current_.denial.ok()) {
    return absl::InfiniteFuture();
  }
  return current_.pace.HeartbeatAt(heartbeat_due_);
}

absl::Time BrokerSession::NextUnregister() const {
  if (!current_.groups.has_unregistrations()) return absl::InfiniteFuture();
  return current_.pace.NextUnregistration();
}

absl::Time BrokerSession::NextPageRequest() const {
  return std::max(memberships_.NextPage(), current_.pace.NextPageRequest());
}

absl::Time BrokerSession::ReplyDeadline() const {
  absl::Time since =
      current_.denial.ok() ? absl::InfiniteFuture() : current_.denied_at;
  if (!current_.requests.empty()) {
    since = std::min(since, current_.requests.front().sent);
  }
  if (current_.writing) since = std::min(since, current_.writing_since);
  return since + options_.reply_timeout;
}

}  // namespace rmq
