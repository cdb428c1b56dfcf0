#include "common/rpc/server/received_message.h"

#include <cstddef>
#include <cstdint>

#include "common/rpc/server/inflate.h"
#include "common/rpc/server/payer_rates.h"

namespace rmq {

CallStatus NoMessage() {
  return BadForm(
      "the call has no message that can be read: none, or one that is larger "
      "than gRPC reads");
}

CallStatus ReceiveMessage(ServerCalls* calls, const Payer& payer,
                          absl::Time now, grpc_call* call,
                          grpc::ByteBuffer* message) {
  const size_t most = calls->options.max_message_bytes;
  if (message->Length() > most) {
    return OverSize("message", message->Length(), most);
  }
  PayerRates& rates = calls->rates;
  CallStatus status = rates.Check(PayerRates::Kind::kBytes, payer, now);
  if (!status.ok()) return status;
  size_t work = message->Length();
  if (IsCompressed(*message, call)) {
    status = InflateMessage("message", most, message, &work);
  }
  rates.Take(PayerRates::Kind::kBytes, payer, static_cast<int64_t>(work), now);
  return status;
}

CallStatus PayUnidentified(ServerCalls* calls, ClientNetwork network,
                           absl::Time now, const grpc::ByteBuffer& message,
                           CallStatus unknown) {
  constexpr auto kBytes = PayerRates::Kind::kBytes;
  const Payer payer = PayerOf(/*principal=*/"", network);
  CallStatus status = calls->rates.Check(kBytes, payer, now);
  if (!status.ok()) return status;
  calls->rates.Take(kBytes, payer, static_cast<int64_t>(message.Length()), now);
  return unknown;
}

}  // namespace rmq
