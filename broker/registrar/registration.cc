#include "broker/registrar/registration.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/kv.h"

namespace rmq {
namespace {

constexpr Backoff::Options kWithdrawalPauses = {
    absl::Milliseconds(250), Registration::kLongestWithdrawalPause};

std::string TextOf(const std::vector<DiscoveryAddress>& addresses) {
  return absl::StrJoin(addresses, ",",
                       [](std::string* out, const DiscoveryAddress& address) {
                         absl::StrAppend(out, address.address);
                       });
}

}  // namespace

Registration::Registration(EtcdCalls* calls, std::string prefix,
                           DiscoveryEntry entry, absl::Duration lease,
                           std::function<double()> random, Report report)
    : calls_(*calls),
      prefix_(std::move(prefix)),
      entry_(std::move(entry)),
      key_(DiscoveryKey(prefix_, entry_)),
      lease_(lease),
      random_(std::move(random)),
      report_(std::move(report)),
      withdrawal_backoff_(kWithdrawalPauses) {
  state_.key = key_;
  state_.lease = lease_;
  NewKeeper();
}

void Registration::NewKeeper() {
  LeaseKeeper::Options options;
  options.key = key_;
  options.value = FormatDiscoveryEntry(entry_);
  options.lease = lease_;
  options.random = random_;
  options.is_obsolete = [this](const std::string& value) {
    if (former_puts_ + keeper_->status().puts > 0) return false;
    const absl::StatusOr<DiscoveryEntry> holder =
        ParseDiscoveryEntry(prefix_, key_, value);
    return holder.ok() && holder->addresses == entry_.addresses;
  };
  keeper_ = std::make_unique<LeaseKeeper>(&calls_, std::move(options));
}

void Registration::Want(bool wanted) { state_.is_wanted = wanted; }

absl::Time Registration::NextDue() const {
  if (state_.is_wanted) {
    return keeper_ == nullptr || failed_withdrawals_ > 0 ? absl::InfinitePast()
                                                         : keeper_->NextDue();
  }
  return keeper_ == nullptr ? absl::InfiniteFuture() : withdrawal_due_;
}

void Registration::Run(const std::function<absl::Time()>& clock) {
  if (state_.is_wanted) {
    if (failed_withdrawals_ > 0) {
      // Its keeper keeps nothing any more.
      DropKeeper();
      state_.is_registered = false;
    }
    if (keeper_ == nullptr) NewKeeper();
    keeper_->Run(clock(), clock);
    Note(keeper_->status());
  } else if (keeper_ != nullptr && withdrawal_due_ <= clock()) {
    Withdraw(clock);
  }
  NoteTime(clock());
}

void Registration::DropKeeper() {
  former_puts_ += keeper_->status().puts;
  former_failures_ += keeper_->status().failures;
  keeper_ = nullptr;
  failed_withdrawals_ = 0;
  withdrawal_due_ = absl::InfinitePast();
  withdrawal_backoff_.Reset();
}

void Registration::Withdraw(const std::function<absl::Time()>& clock) {
  const bool asks_etcd = keeper_->has_lease();
  absl::Status withdrawn = keeper_->Withdraw(clock());
  state_.holder.clear();
  const bool was_registered =
      std::exchange(state_.is_registered,
                    keeper_->status().state == LeaseKeeper::State::kPresent);
  if (!withdrawn.ok()) {
    ++failed_withdrawals_;
    withdrawal_due_ = clock() + withdrawal_backoff_.Next(random_);
    // Else there may be an entry all the same: an answer may have been lost.
    if (failed_withdrawals_ == 1 && was_registered) {
      failures_.Add(withdrawn);
      report_(Severity::kWarning,
              absl::StrCat("not withdrawn from etcd: clients may still come; "
                           "it is tried again until etcd answers",
                           Kv("key", key_),
                           Kv("lease", absl::FormatDuration(lease_)),
                           Kv("error", withdrawn.message())));
    }
    state_.error = std::move(withdrawn);
    return;
  }
  DropKeeper();
  state_.error = absl::OkStatus();
  const bool is_back = asks_etcd && failures_.Clear();
  if (!was_registered && !is_back) return;
  report_(Severity::kInfo,
          absl::StrCat("withdrawn from etcd", Kv("key", key_)));
}

void Registration::NoteTime(absl::Time now) {
  if (state_.since == absl::InfinitePast() ||
      state_.is_registered != noted_.is_registered ||
      state_.is_wanted != noted_.is_wanted ||
      state_.holder.empty() != noted_.holder.empty()) {
    state_.since = now;
  }
  noted_ = state_;
}

void Registration::Note(const LeaseKeeper::Status& status) {
  const bool was_registered = state_.is_registered;
  const int64_t puts = former_puts_ + status.puts;
  state_.is_registered = status.state == LeaseKeeper::State::kPresent;
  state_.failures = former_failures_ + status.failures;
  if (status.error.ok()) {
    if (failures_.Clear()) {
      report_(Severity::kInfo,
              absl::StrCat("etcd answers again", Kv("key", key_)));
    }
  } else if (failures_.Add(status.error)) {
    report_(Severity::kWarning,
            absl::StrCat("etcd does not take this broker's entry; the broker "
                         "goes on, and tries again",
                         Kv("key", key_), Kv("error", status.error.message())));
  }
  state_.error = status.error;
  if (puts > state_.puts || (state_.is_registered && !was_registered)) {
    report_(was_registered ? Severity::kWarning : Severity::kInfo,
            absl::StrCat(
                was_registered ? "registered in etcd anew: the entry was gone"
                               : "registered in etcd",
                Kv("key", key_), Kv("addresses", TextOf(entry_.addresses)),
                Kv("lease", absl::FormatDuration(lease_))));
  }
  state_.puts = puts;
  std::string holder;
  if (status.state == LeaseKeeper::State::kHeldByOther) {
    holder = HolderText(status.holder);
  }
  if (!holder.empty() && holder != state_.holder) {
    report_(Severity::kError,
            absl::StrCat("another broker is registered in etcd under this "
                         "name and id",
                         Kv("key", key_), Kv("holder", holder)));
  }
  state_.holder = std::move(holder);
}

std::string Registration::HolderText(const std::string& value) const {
  const absl::StatusOr<DiscoveryEntry> holder =
      ParseDiscoveryEntry(prefix_, key_, value);
  if (!holder.ok()) return std::string(holder.status().message());
  return absl::StrCat("the broker at ", TextOf(holder->addresses), ", version ",
                      holder->product_version, ", since ",
                      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", holder->since,
                                       absl::UTCTimeZone()));
}

absl::Status NameInUse(const DiscoveryEntry& entry,
                       const RegistrationState& state) {
  return absl::AlreadyExistsError(absl::StrCat(
      "broker_name and broker_id must be this broker's own in its cluster, got "
      "\"",
      entry.broker_name, "\" ", entry.broker_id, " in \"", entry.cluster,
      "\", which etcd has for ", state.holder,
      ": stop that one, or give this one another --broker_id"));
}

}  // namespace rmq
