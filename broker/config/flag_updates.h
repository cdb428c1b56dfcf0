// Which flags of settings were given.
#ifndef BROKER_CONFIG_FLAG_UPDATES_H_
#define BROKER_CONFIG_FLAG_UPDATES_H_

#include "absl/strings/string_view.h"
#include "broker/broker_controller.h"

namespace rmq {

// To be called by the flag `name`, a string that stays, whenever it is set: at
// its registration, which is the first time, and when the user gives it. Not
// thread-safe: before the flags are parsed, or while they are.
void NoteFlagUpdate(absl::string_view name);

// How often NoteFlagUpdate() was called for the flag.
int FlagUpdates(absl::string_view name);

// DefaultBrokerOptions(), which live as long as the process: flags take their
// defaults from them.
const BrokerController::Options& FlagDefaults();

}  // namespace rmq

#endif  // BROKER_CONFIG_FLAG_UPDATES_H_
