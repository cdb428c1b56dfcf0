// Turns a BrokerConfig into the options of every part of the broker, and back.
#ifndef BROKER_CONFIG_BROKER_OPTIONS_H_
#define BROKER_CONFIG_BROKER_OPTIONS_H_

#include "absl/status/status.h"
#include "broker/broker_controller.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {

// The defaults of the broker: those of each part's options, and what only a
// broker that is run for its users has, as an address for metrics.
BrokerController::Options DefaultBrokerOptions();

// Sets what `config` sets, and leaves the rest.
//
// InvalidArgument for times that are none, each on a line that begins with the
// setting's name. Whether the options make sense is left to
// BrokerController::Options::Validate().
absl::Status ApplyConfig(
    const rocketmq::clientmanager::v1::BrokerConfig& config,
    BrokerController::Options* options);

// The whole configuration: every setting of `options`, its groups and its
// topics.
rocketmq::clientmanager::v1::BrokerConfig ConfigOf(
    const BrokerController::Options& options);

}  // namespace rmq

#endif  // BROKER_CONFIG_BROKER_OPTIONS_H_
