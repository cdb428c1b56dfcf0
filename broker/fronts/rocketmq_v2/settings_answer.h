// The broker's answer to an SDK's settings.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SETTINGS_ANSWER_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SETTINGS_ANSWER_H_

#include "apache/rocketmq/v2/definition.pb.h"

namespace rmq {

// Completes the settings that a client has sent: what is not named here stays,
// fields that this program does not know included. SDKs fail, or do not start,
// without these. Reference: GrpcClientSettingsManager.java of the proxy.
// Differs: a simple consumer's own long polling stays.
void CompleteSettings(::apache::rocketmq::v2::Settings* settings);

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SETTINGS_ANSWER_H_
