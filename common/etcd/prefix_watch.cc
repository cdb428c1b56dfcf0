#include "common/etcd/prefix_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {

PrefixWatch::PrefixWatch(EtcdCalls* calls, Options options,
                         std::function<void(const Values&)> on_values)
    : calls_(*calls),
      options_(std::move(options)),
      on_values_(std::move(on_values)),
      backoff_(options_.backoff) {}

void PrefixWatch::Step(const std::function<absl::Time()>& clock) {
  if (clock() < next_due_) return;
  absl::Status status = watch_ == nullptr ? List(clock()) : ReadChanges(clock);
  if (status.ok()) {
    error_ = absl::OkStatus();
    next_due_ = options_.list_period.has_value()
                    ? clock() + *options_.list_period
                    : absl::InfinitePast();
    return;
  }
  watch_ = nullptr;
  error_ = std::move(status);
  next_due_ = clock() + backoff_.Next(options_.random);
}

absl::Status PrefixWatch::List(absl::Time now) {
  absl::StatusOr<EtcdListing> listing =
      calls_.List(options_.prefix, options_.most_keys);
  if (!listing.ok()) return listing.status();
  const absl::Status revision = CheckRevision(listing->revision, now);
  if (!revision.ok()) return revision;
  std::unique_ptr<EtcdWatch> watch;
  if (!options_.list_period.has_value()) {
    auto begun = calls_.Watch(options_.prefix, listing->revision + 1);
    if (!begun.ok()) return begun.status();
    watch = *std::move(begun);
  }
  values_.clear();
  bytes_ = 0;
  for (EtcdValue& value : listing->values) {
    const absl::Status put = Put(std::move(value));
    if (!put.ok()) return put;
  }
  watch_ = std::move(watch);
  // A watch proves itself by what it reads.
  if (watch_ == nullptr) backoff_.Reset();
  known_at_ = now;
  on_values_(values_);
  return absl::OkStatus();
}

absl::Status PrefixWatch::ReadChanges(
    const std::function<absl::Time()>& clock) {
  absl::StatusOr<std::vector<EtcdChange>> changes = watch_->Next(options_.step);
  if (!changes.ok()) return changes.status();
  backoff_.Reset();
  known_at_ = clock();
  if (changes->empty()) return absl::OkStatus();
  for (EtcdChange& change : *changes) {
    Erase(change.key);
    if (!change.value.has_value()) continue;
    revision_ = std::max(revision_, change.value->mod_revision);
    const absl::Status put = Put(*std::move(change.value));
    if (!put.ok()) return put;
  }
  on_values_(values_);
  return absl::OkStatus();
}

absl::Status PrefixWatch::CheckRevision(int64_t revision, absl::Time now) {
  if (revision < revision_) {
    lost_at_ = std::min(lost_at_, now);
    if (now < lost_at_ + options_.loss_grace) {
      return absl::UnavailableError(absl::StrCat(
          "etcd has lost data: its revision went back from ", revision_, " to ",
          revision, "; what it has is taken after ",
          absl::FormatDuration(options_.loss_grace)));
    }
  }
  lost_at_ = absl::InfiniteFuture();
  revision_ = revision;
  return absl::OkStatus();
}

absl::Status PrefixWatch::Put(EtcdValue value) {
  const size_t bytes = value.key.size() + value.value.size();
  if (values_.size() >= options_.most_keys ||
      bytes_ + bytes > options_.most_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("etcd must have at most ", options_.most_keys,
                     " keys and ", options_.most_bytes, " bytes under ",
                     Quoted(options_.prefix), ", got more"));
  }
  bytes_ += bytes;
  values_.insert_or_assign(std::move(value.key), std::move(value.value));
  return absl::OkStatus();
}

void PrefixWatch::Erase(const std::string& key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return;
  bytes_ -= found->first.size() + found->second.size();
  values_.erase(found);
}

}  // namespace rmq
