#include "broker/fronts/rocketmq_v2/held_receive.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/fronts/proto_time.h"
#include "broker/fronts/rocketmq_v2/messaging_methods.h"
#include "broker/fronts/rocketmq_v2/route.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/refusal_log.h"
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
  HeldReceive(absl::Time until, ResponseWaker waker, DueCalls* due_calls,
              std::unique_ptr<HeldCalls::Place> place)
      : OneStatus(SdkError(v2::MESSAGE_NOT_FOUND, "no new message"), until),
        due_calls_(*due_calls),
        ticket_(due_calls->Add(until, [waker] { waker.Wake(); })),
        place_(std::move(place)) {}
  ~HeldReceive() override { due_calls_.Remove(ticket_); }

 private:
  DueCalls& due_calls_;
  const DueCalls::Ticket ticket_;
  const std::unique_ptr<HeldCalls::Place> place_;
};

// The transport's bound is for calls that are answered and not read.
constexpr ResponsesMethod::Limits kOpenCalls = {2 * HeldCalls::kMost,
                                                3 * HeldCalls::kMostOfPayer};

// A method whose every outcome is a code in the body: SDKs take a gRPC error
// for a broken connection.
template <typename Request, typename Response>
ResponsesMethod WithCodesInTheBody(MethodTable* table,
                                   ResponsesHandler<Request> handler) {
  const auto& descriptor =
      MethodTaking(*Request::descriptor(), MessagingServiceDescriptor());
  MethodCounters* const counters = table->AddStreaming(descriptor).counters;
  ResponsesMethod method = ResponsesMethod::Of<Request>(
      descriptor, kOpenCalls,
      [](const Request& /*request*/) { return CallResources(); },
      std::move(handler));
  method.answer = [counters, answer = std::move(method.answer)](
                      Gate& gate, const CallContext& call,
                      grpc::ByteBuffer* request, ResponseWaker waker,
                      std::shared_ptr<ResponseSource>* source) {
    CallStatus status = answer(gate, call, request, std::move(waker), source);
    if (!status.ok()) {
      NoteRefusal(*counters, call.peer.address,
                  call.metadata.Find("x-mq-client-id").value_or(""), status);
      *source =
          std::make_shared<OneStatus<Response>>(std::move(status), call.now);
    }
    return CallStatus();
  };
  return method;
}

// How long a call is held.
absl::Duration HoldFor(const v2::ReceiveMessageRequest& request,
                       absl::Duration client_waits) {
  absl::Duration hold = std::min(kLongestHold, client_waits - kMargin);
  if (request.has_long_polling_timeout()) {
    hold = std::min(hold, ToDuration(request.long_polling_timeout()));
  }
  return std::max(hold, absl::ZeroDuration());
}

// Checks a call, and takes its place among those that are held.
CallStatus BeginHolding(const SdkBroker& broker, Gate& gate,
                        const CallContext& call,
                        const v2::ReceiveMessageRequest& request,
                        HeldCalls* held,
                        std::unique_ptr<HeldCalls::Place>* place) {
  SdkHeaders headers;
  const Limits& limits = broker.broker.limits;
  CallStatus status = ReadHeaders(call.metadata, limits, &headers);
  std::string group;
  if (status.ok()) status = GroupName("group", request.group(), limits, &group);
  std::string topic;
  if (status.ok()) {
    status = TopicName("message_queue.topic", request.message_queue().topic(),
                       limits, &topic);
  }
  if (status.ok()) {
    status =
        CheckCall(broker.broker, gate, call, {headers.client_id, group, topic});
  }
  if (!status.ok()) return status;
  return held->Take(headers.client_id, topic, call.peer,
                    static_cast<size_t>(ReadableQueues(broker.TopicOf(topic))),
                    place);
}

}  // namespace

ResponsesMethod ReceiveMessageMethod(const SdkBroker& broker,
                                     DueCalls* due_calls, HeldCalls* held,
                                     MethodTable* table) {
  return WithCodesInTheBody<v2::ReceiveMessageRequest,
                            v2::ReceiveMessageResponse>(
      table,
      [&broker, &gate = table->gate(), due_calls, held](
          const CallContext& call, const v2::ReceiveMessageRequest& request,
          ResponseWaker waker, std::shared_ptr<ResponseSource>* source) {
        std::unique_ptr<HeldCalls::Place> place;
        CallStatus status =
            BeginHolding(broker, gate, call, request, held, &place);
        if (!status.ok()) return status;
        *source = std::make_shared<HeldReceive>(
            call.now + HoldFor(request, call.metadata.TimeLeft()),
            std::move(waker), due_calls, std::move(place));
        return CallStatus();
      });
}

ResponsesMethod PullMessageMethod(MethodTable* table) {
  return WithCodesInTheBody<v2::PullMessageRequest, v2::PullMessageResponse>(
      table,
      [](const CallContext& /*call*/, const v2::PullMessageRequest& /*request*/,
         ResponseWaker /*waker*/, std::shared_ptr<ResponseSource>* /*source*/) {
        return SdkError(v2::NOT_IMPLEMENTED,
                        "this broker keeps clients, not messages");
      });
}

}  // namespace rmq
