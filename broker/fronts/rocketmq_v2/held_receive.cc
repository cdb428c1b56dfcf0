#include "broker/fronts/rocketmq_v2/held_receive.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/fronts/proto_time.h"
#include "broker/fronts/rocketmq_v2/messaging_methods.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "common/rpc/server/response_source.h"

namespace rmq {
namespace {

constexpr absl::Duration kLongestHold = absl::Seconds(20);
// Between the answer and the client's deadline.
constexpr absl::Duration kMargin = absl::Seconds(1);

// Answers once, at `until`.
template <typename Response>
class OneStatus : public ResponseSource {
 public:
  OneStatus(CallStatus status, absl::Time until)
      : status_(std::move(status)), until_(until) {}

  NextResponse Next(absl::Time now) override {
    if (now < until_) return NextResponse::Nothing();
    if (std::exchange(is_said_, true)) return NextResponse::End({});
    Response response;
    FillStatus(status_, response.mutable_status());
    return NextResponse::Of(response);
  }

 private:
  const CallStatus status_;
  const absl::Time until_;
  bool is_said_ = false;
};

class HeldReceive final : public OneStatus<v2::ReceiveMessageResponse> {
 public:
  HeldReceive(absl::Time until, ResponseWaker waker, DueCalls* due_calls)
      : OneStatus(SdkError(v2::MESSAGE_NOT_FOUND, "no new message"), until),
        due_calls_(*due_calls),
        ticket_(due_calls->Add(until, [waker] { waker.Wake(); })) {}
  ~HeldReceive() override { due_calls_.Remove(ticket_); }

 private:
  DueCalls& due_calls_;
  const DueCalls::Ticket ticket_;
};

// How long a call is held.
absl::Duration HoldFor(const v2::ReceiveMessageRequest& request,
                       absl::Duration client_waits) {
  absl::Duration hold = std::min(kLongestHold, client_waits - kMargin);
  if (request.has_long_polling_timeout()) {
    hold = std::min(hold, ToDuration(request.long_polling_timeout()));
  }
  return std::max(hold, absl::ZeroDuration());
}

CallStatus CheckReceive(const SdkBroker& broker, const CallContext& call,
                        const v2::ReceiveMessageRequest& request) {
  SdkHeaders headers;
  const Limits& limits = broker.broker.limits;
  CallStatus status = ReadHeaders(call.metadata, limits, &headers);
  std::string name;
  if (status.ok()) status = GroupName("group", request.group(), limits, &name);
  if (status.ok()) {
    status = TopicName("message_queue.topic", request.message_queue().topic(),
                       limits, &name);
  }
  return status;
}

}  // namespace

ResponsesMethod ReceiveMessageMethod(const SdkBroker& broker,
                                     DueCalls* due_calls) {
  return ResponsesMethod::Of<v2::ReceiveMessageRequest>(
      MethodTaking(*v2::ReceiveMessageRequest::descriptor(),
                   MessagingServiceDescriptor()),
      {kMostHeld, kMostHeld / 2},
      [](const v2::ReceiveMessageRequest& /*request*/) {
        return CallResources();
      },
      [&broker, due_calls](
          const CallContext& call, const v2::ReceiveMessageRequest& request,
          ResponseWaker waker, std::shared_ptr<ResponseSource>* source) {
        CallStatus status = CheckReceive(broker, call, request);
        if (status.ok()) {
          *source = std::make_shared<HeldReceive>(
              call.now + HoldFor(request, call.metadata.TimeLeft()),
              std::move(waker), due_calls);
        } else {
          *source = std::make_shared<OneStatus<v2::ReceiveMessageResponse>>(
              std::move(status), call.now);
        }
        return CallStatus();
      });
}

ResponsesMethod PullMessageMethod() {
  return ResponsesMethod::Of<v2::PullMessageRequest>(
      MethodTaking(*v2::PullMessageRequest::descriptor(),
                   MessagingServiceDescriptor()),
      {kMostHeld, kMostHeld / 2},
      [](const v2::PullMessageRequest& /*request*/) { return CallResources(); },
      [](const CallContext& call, const v2::PullMessageRequest& /*request*/,
         ResponseWaker /*waker*/, std::shared_ptr<ResponseSource>* source) {
        *source = std::make_shared<OneStatus<v2::PullMessageResponse>>(
            SdkError(v2::NOT_IMPLEMENTED,
                     "this broker keeps clients, not messages"),
            call.now);
        return CallStatus();
      });
}

}  // namespace rmq
