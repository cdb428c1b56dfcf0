// A broker's entry in discovery, from its first put to its withdrawal.
#ifndef BROKER_REGISTRAR_REGISTRATION_H_
#define BROKER_REGISTRAR_REGISTRATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/registrar/registration_state.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/etcd_calls.h"
#include "common/etcd/lease_keeper.h"

namespace rmq {

// Has the entry in etcd while it is wanted, and reports each change of that
// once: that etcd is away and is back, that another broker has the entry.
//
// An entry of the same addresses is that of this broker's former process: while
// this one listens there, no other can. It is overwritten at once, so a broker
// that was killed comes back without waiting for its old lease. Once this
// process has put its entry it overwrites none: should two brokers on different
// machines advertise one address, they do not take turns.
//
// Thread-safety: none; one thread runs it. Reads no clock.
class Registration {
 public:
  enum class Severity { kInfo, kWarning, kError };
  using Report =
      std::function<void(Severity severity, const std::string& line)>;

  // `calls` is borrowed. `entry` has addresses.
  Registration(EtcdCalls* calls, std::string prefix, DiscoveryEntry entry,
               absl::Duration lease, std::function<double()> random,
               Report report);

  // Whether the entry is to be there from now on; at first it is. Run() then
  // puts or withdraws it.
  void Want(bool wanted);

  // When Run() next has something to do.
  absl::Time NextDue() const;
  // Does what is due. Blocks for a few calls of etcd. `clock` tells the time.
  void Run(const std::function<absl::Time()>& clock);

  const RegistrationState& state() const { return state_; }
  const std::string& key() const { return key_; }

 private:
  void NewKeeper();
  void Withdraw();
  // Takes over what the keeper knows, and reports what is new.
  void Note(const LeaseKeeper::Status& status);
  std::string HolderText(const std::string& value) const;

  EtcdCalls& calls_;
  const std::string prefix_;
  const DiscoveryEntry entry_;
  const std::string key_;
  const absl::Duration lease_;
  const std::function<double()> random_;
  const Report report_;
  // Null: the entry was withdrawn.
  std::unique_ptr<LeaseKeeper> keeper_;
  // Of the keepers before.
  int64_t former_puts_ = 0;
  int64_t former_failures_ = 0;
  RegistrationState state_;
};

// The error of a broker that must not start since `state.holder` has its name
// and id.
absl::Status NameInUse(const DiscoveryEntry& entry,
                       const RegistrationState& state);

}  // namespace rmq

#endif  // BROKER_REGISTRAR_REGISTRATION_H_
