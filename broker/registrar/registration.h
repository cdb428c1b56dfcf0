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
#include "common/backoff.h"
#include "common/discovery/discovery_entry.h"
#include "common/etcd/etcd_calls.h"
#include "common/etcd/lease_keeper.h"
#include "common/failure_ways.h"

namespace rmq {

// Has the entry in etcd while it is wanted, and reports each change of that
// once: that etcd fails, in each way (FailureWays), and is back, that another
// broker has the entry.
//
// A withdrawal that fails is tried again, after pauses of up to
// kLongestWithdrawalPause, until etcd says that the entry is gone. Once the
// entry's lease has ended by this process's clock, the broker does not count as
// registered any more.
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
  static constexpr absl::Duration kLongestWithdrawalPause = absl::Seconds(2);

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
  // How often the withdrawal that is under way has failed; 0 if none is.
  int failed_withdrawals() const { return failed_withdrawals_; }

 private:
  void NewKeeper();
  // Forgets the keeper, and keeps its counts.
  void DropKeeper();
  void Withdraw(const std::function<absl::Time()>& clock);
  // Takes the time if the state is another one than that of the last call.
  void NoteTime(absl::Time now);
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
  Backoff withdrawal_backoff_;
  int failed_withdrawals_ = 0;
  absl::Time withdrawal_due_ = absl::InfinitePast();
  FailureWays failures_;  // That were reported.
  RegistrationState state_;
  // As it was when NoteTime() was called last.
  RegistrationState noted_;
};

// The error of a broker that must not start since `state.holder` has its name
// and id.
absl::Status NameInUse(const DiscoveryEntry& entry,
                       const RegistrationState& state);

}  // namespace rmq

#endif  // BROKER_REGISTRAR_REGISTRATION_H_
