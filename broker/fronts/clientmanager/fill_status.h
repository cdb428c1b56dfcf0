// The outcome of a frame as a message.
#ifndef BROKER_FRONTS_CLIENTMANAGER_FILL_STATUS_H_
#define BROKER_FRONTS_CLIENTMANAGER_FILL_STATUS_H_

#include "common/response_code.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// A frame's reply carries in a message what a unary call carries in its gRPC
// status and trailing metadata.
inline void FillStatus(const CallStatus& status,
                       ::rocketmq::clientmanager::v1::Status* message) {
  message->set_code(static_cast<int>(status.code));
  message->set_response_code(
      static_cast<::rocketmq::clientmanager::v1::ResponseCode>(
          status.response_code));
  message->set_message(status.message);
}

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_FILL_STATUS_H_
