// How a broker stands in discovery.
#ifndef BROKER_REGISTRAR_REGISTRATION_STATE_H_
#define BROKER_REGISTRAR_REGISTRATION_STATE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rmq {

// What operators are told of a registration. A value.
struct RegistrationState {
  // Of the entry.
  std::string key;
  // After so long without the broker etcd deletes the entry.
  absl::Duration lease;
  // Since when is_registered, is_wanted, or that there is a holder, is as it
  // is, by the registrar's clock.
  absl::Time since = absl::InfinitePast();
  // Others find the broker, as far as it knows.
  bool is_registered = false;
  // The broker is to be found: it serves, and does not drain.
  bool is_wanted = true;
  // Another broker of the same name and id has the entry: what is known of it,
  // in words. Empty: there is none.
  std::string holder;
  // What etcd last said against it; OK if it answers.
  absl::Status error;
  // How often the entry was put, and attempts that failed.
  int64_t puts = 0;
  int64_t failures = 0;
};

}  // namespace rmq

#endif  // BROKER_REGISTRAR_REGISTRATION_STATE_H_
