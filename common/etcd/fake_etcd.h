// An etcd in memory, for tests of what uses EtcdCalls.
#ifndef COMMON_ETCD_FAKE_ETCD_H_
#define COMMON_ETCD_FAKE_ETCD_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/etcd/etcd_calls.h"

namespace rmq {

// Leases do not end by time: a test ends them. Nothing blocks. Thread-safety:
// none. Watches hold no reference to it once it is gone.
class FakeEtcd final : public EtcdCalls {
 public:
  // All calls return the status until it is OK; and it ends the watches.
  void set_error(absl::Status error) {
    error_ = std::move(error);
    if (!error_.ok()) ++watch_generation_;
  }
  // The next call of PutIf() puts, and its answer is lost.
  void LoseAnswerOfNextPut() { loses_answer_ = true; }
  // Events before the next revision are kept no longer.
  void Compact() { compacted_ = revision_ + 1; }
  // Starts anew with nothing.
  void LoseData() {
    values_.clear();
    leases_.clear();
    history_.clear();
    revision_ = 1;
    ++watch_generation_;
  }
  // Ends the watches as a cut connection does.
  void CutWatches() { ++watch_generation_; }

  void Put(const std::string& key, const std::string& value,
           int64_t lease = 0) {
    EtcdValue& held = values_[key];
    held = {key, value, ++revision_, lease};
    history_.push_back({revision_, {key, held}});
  }
  void Delete(const std::string& key) {
    if (values_.erase(key) == 0) return;
    history_.push_back({++revision_, {key, absl::nullopt}});
  }
  void EndLease(int64_t lease) {
    leases_.erase(lease);
    std::vector<std::string> ended;
    for (const auto& [key, value] : values_) {
      if (value.lease == lease) ended.push_back(key);
    }
    for (const std::string& key : ended) Delete(key);
  }
  const std::map<std::string, EtcdValue>& values() const { return values_; }
  const std::map<int64_t, absl::Duration>& leases() const { return leases_; }
  int64_t renewals() const { return renewals_; }
  int64_t listings() const { return listings_; }

  absl::StatusOr<int64_t> GrantLease(absl::Duration ttl) override {
    if (!error_.ok()) return error_;
    leases_[++last_lease_] = ttl;
    return last_lease_;
  }
  absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease) override {
    if (!error_.ok()) return error_;
    const auto found = leases_.find(lease);
    if (found == leases_.end()) return absl::NotFoundError("no such lease");
    ++renewals_;
    return found->second;
  }
  absl::Status RevokeLease(int64_t lease) override {
    if (!error_.ok()) return error_;
    if (leases_.count(lease) == 0) return absl::NotFoundError("no such lease");
    EndLease(lease);
    return absl::OkStatus();
  }
  absl::StatusOr<absl::optional<EtcdValue>> Get(
      const std::string& key) override {
    if (!error_.ok()) return error_;
    const auto found = values_.find(key);
    absl::optional<EtcdValue> value;
    if (found != values_.end()) value = found->second;
    return value;
  }
  absl::StatusOr<bool> PutIf(const std::string& key, int64_t mod_revision,
                             const std::string& value, int64_t lease) override {
    if (!error_.ok()) return error_;
    if (leases_.count(lease) == 0) return absl::NotFoundError("no such lease");
    const auto found = values_.find(key);
    const int64_t present =
        found == values_.end() ? 0 : found->second.mod_revision;
    if (present != mod_revision) return false;
    Put(key, value, lease);
    if (std::exchange(loses_answer_, false)) {
      return absl::UnavailableError("the answer was lost");
    }
    return true;
  }
  absl::StatusOr<EtcdListing> List(const std::string& prefix,
                                   size_t most) override {
    if (!error_.ok()) return error_;
    ++listings_;
    EtcdListing listing;
    listing.revision = revision_;
    for (const auto& [key, value] : values_) {
      if (absl::StartsWith(key, prefix)) listing.values.push_back(value);
    }
    if (listing.values.size() > most) {
      return absl::ResourceExhaustedError(absl::StrCat("more than ", most));
    }
    return listing;
  }
  absl::StatusOr<std::unique_ptr<EtcdWatch>> Watch(
      const std::string& prefix, int64_t from_revision) override {
    if (!error_.ok()) return error_;
    return std::make_unique<FakeWatch>(this, prefix, from_revision);
  }
  void Cancel() override { set_error(absl::CancelledError("cancelled")); }

 private:
  class FakeWatch final : public EtcdWatch {
   public:
    FakeWatch(FakeEtcd* etcd, std::string prefix, int64_t next)
        : etcd_(*etcd),
          prefix_(std::move(prefix)),
          next_(next),
          generation_(etcd->watch_generation_) {}

    absl::StatusOr<std::vector<EtcdChange>> Next(
        absl::Duration /*timeout*/) override {
      if (generation_ != etcd_.watch_generation_) {
        return absl::UnavailableError("the watch was cut");
      }
      if (next_ < etcd_.compacted_) return absl::OutOfRangeError("compacted");
      std::vector<EtcdChange> changes;
      for (const auto& [revision, change] : etcd_.history_) {
        if (revision >= next_ && absl::StartsWith(change.key, prefix_)) {
          changes.push_back(change);
        }
      }
      next_ = etcd_.revision_ + 1;
      return changes;
    }

   private:
    FakeEtcd& etcd_;
    const std::string prefix_;
    int64_t next_;
    const int64_t generation_;
  };

  absl::Status error_;
  bool loses_answer_ = false;
  int64_t revision_ = 1;
  int64_t compacted_ = 0;
  int64_t watch_generation_ = 0;
  int64_t last_lease_ = 0;
  int64_t renewals_ = 0;
  int64_t listings_ = 0;
  std::map<int64_t, absl::Duration> leases_;
  std::map<std::string, EtcdValue> values_;
  std::vector<std::pair<int64_t, EtcdChange>> history_;
};

}  // namespace rmq

#endif  // COMMON_ETCD_FAKE_ETCD_H_
