#include "tests/simulation/network/sim_channel.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "broker/fronts/clientmanager/fill_push.h"
#include "broker/fronts/end_status.h"
#include "client/broker_health.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "glog/logging.h"

namespace rmq::network {
namespace {

EndReason EndReasonOf(RemovalReason reason) {
  switch (reason) {
    case RemovalReason::kExpired: return EndReason::kExpired;
    case RemovalReason::kReplaced: return EndReason::kReplaced;
    case RemovalReason::kKicked: return EndReason::kKicked;
    case RemovalReason::kDrained: return EndReason::kDrained;
    default: return EndReason::kNone;
  }
}

// Of the word on the wire.
EndReason EndReasonOf(absl::string_view word) {
  for (const EndReason reason : {EndReason::kExpired, EndReason::kReplaced,
                                 EndReason::kKicked, EndReason::kDrained}) {
    if (word == Name(reason)) return reason;
  }
  return EndReason::kNone;
}

absl::Status ToStatus(const CallStatus& status) {
  return absl::Status(status.code, status.message);
}

StreamEnd EndOf(const CallStatus& status) {
  return {ToStatus(status), EndReasonOf(status.end_reason), status.retry_after,
          /*is_brokers=*/true};
}

}  // namespace

SimChannel::SimChannel(const Environment* environment,
                       std::shared_ptr<Connection> connection)
    : ClientChannel(Kind::kStream),
      environment_(*environment),
      connection_(std::move(connection)) {}

void SimChannel::Push(std::shared_ptr<const MembershipPush> push) {
  if (ended_ || half_closed_ || !client_.end_after_reply.ok()) return;
  const auto waiting = std::find_if(
      pushes_.begin(), pushes_.end(),
      [&push](const auto& other) { return other->group == push->group; });
  if (waiting == pushes_.end()) {
    pushes_.push_back(std::move(push));
  } else if (!push->is_bare()) {
    *waiting = std::move(push);
  }
  WriteNext();
}

void SimChannel::End(const ChannelEnd& end) {
  EndWith({ToStatus(EndStatus(end)), EndReasonOf(end.reason), end.retry_after});
}

void SimChannel::EndWith(const StreamEnd& end) {
  if (std::exchange(ended_, true)) return;
  replies_.clear();
  pushes_.clear();
  unread_.clear();
  connection_->Finish(end);
}

void SimChannel::OnFrame(std::string bytes) {
  if (ended_ || half_closed_) return;
  const auto self = shared_from_this();  // It may end.
  unread_.push_back(std::move(bytes));
  Read();
}

void SimChannel::OnHalfClosed() {
  if (ended_) return;
  const auto self = shared_from_this();
  half_closed_ = true;
  pushes_.clear();
  Read();
  WriteNext();
}

void SimChannel::OnLost() {
  if (std::exchange(ended_, true)) return;
  CloseChannel();
}

void SimChannel::Read() {
  while (!ended_ && client_.end_after_reply.ok() && !unread_.empty() &&
         replies_.size() < kMaxWaitingReplies) {
    const std::string bytes = std::move(unread_.front());
    unread_.pop_front();
    Answer(bytes);
  }
}

void SimChannel::Answer(const std::string& bytes) {
  pb::BrokerFrame answer;
  pb::Reply& reply = *answer.mutable_reply();
  if (!environment_.handler->HandleRepeatedHeartbeat(*this, bytes, now(),
                                                     client_, &reply)) {
    pb::ClientFrame frame;
    CHECK(frame.ParseFromString(bytes));
    if (frame.has_get_consumer_list_by_group()) {
      frame.mutable_get_consumer_list_by_group()->set_page_size(
          environment_.largest_page);
    }
    const CallContext connect = {
        *environment_.handler->connect().descriptor,
        {remote_address(), ClientNetworkOf(remote_address()), ""},
        {},
        now()};
    if (frame.has_acknowledge()) {
      Acknowledge(connect, frame.acknowledge());
      return;
    }
    const CallStatus status = environment_.handler->HandleFrame(
        connect, *this, frame, bytes, &client_, &reply);
    if (!status.ok()) {
      EndWith(EndOf(status));
      CloseChannel();
      return;
    }
  }
  if (!ended_) {
    // Nothing follows a last reply.
    if (!client_.end_after_reply.ok()) pushes_.clear();
    replies_.push_back(std::move(answer));
    WriteNext();
  }
  environment_.rearm();
}

void SimChannel::Acknowledge(const CallContext& connect,
                             const pb::Acknowledge& acknowledge) {
  const ClientRequestHandler& handler = *environment_.handler;
  if (handler.MayReadAcknowledgment(remote_address(), now(), &client_)) {
    handler.HandleAcknowledgment(connect, *this, acknowledge, &client_);
  } else {
    handler.DropAcknowledgment(remote_address(), &client_);
  }
  environment_.rearm();
}

void SimChannel::WriteNext() {
  if (writing_ || ended_) return;
  pb::BrokerFrame frame;
  if (!pushes_.empty() && (replies_.empty() || !pushed_last_)) {
    pushed_last_ = true;
    FillPush(*pushes_.front(), environment_.handler->settled_at(), now(),
             frame.mutable_notify_consumer_ids_changed());
    pushes_.pop_front();
  } else if (!replies_.empty()) {
    pushed_last_ = false;
    frame = std::move(replies_.front());
    replies_.pop_front();
  } else if (!client_.end_after_reply.ok()) {
    EndWith(EndOf(client_.end_after_reply));
    return;
  } else if (half_closed_ && unread_.empty()) {
    CloseChannel();
    EndWith({absl::OkStatus()});
    return;
  } else {
    return;
  }
  if (environment_.is_old) MakeOld(&frame);
  writing_ = true;
  connection_->Send(frame, [this, self = shared_from_this()] {
    writing_ = false;
    Read();
    WriteNext();
  });
}

void SimChannel::MakeOld(pb::BrokerFrame* frame) const {
  if (frame->has_notify_consumer_ids_changed()) {
    pb::NotifyConsumerIdsChanged old;
    old.set_group(frame->notify_consumer_ids_changed().group());
    *frame->mutable_notify_consumer_ids_changed() = old;
  } else if (frame->reply().has_heartbeat()) {
    frame->mutable_reply()->mutable_heartbeat()->clear_group_epochs();
    frame->mutable_reply()->mutable_heartbeat()->clear_warnings();
  } else if (frame->reply().has_get_consumer_list_by_group()) {
    frame->mutable_reply()->mutable_get_consumer_list_by_group()->clear_epoch();
  }
}

void SimChannel::CloseChannel() {
  if (!client_.is_bound()) return;
  environment_.housekeeping->OnChannelClose(*this, RemovalReason::kDisconnected,
                                            now());
  environment_.rearm();
}

}  // namespace rmq::network
