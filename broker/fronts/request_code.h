// RocketMQ's numbers of requests, as the services' descriptors have them.
#ifndef BROKER_FRONTS_REQUEST_CODE_H_
#define BROKER_FRONTS_REQUEST_CODE_H_

#include "google/protobuf/descriptor.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// The method's option `request_code`; 0 where RocketMQ has no such request.
inline int RequestCodeOf(const google::protobuf::MethodDescriptor& method) {
  return method.options().GetExtension(
      ::rocketmq::clientmanager::v1::request_code);
}

}  // namespace rmq

#endif  // BROKER_FRONTS_REQUEST_CODE_H_
