#include "tests/conformance/product_epochs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/registry/acknowledge.h"

namespace rmq::conformance {

void ProductEpochs::Count(Outcome* outcome) {
  std::map<std::string, uint64_t> now;
  for (const ConsumerGroupInfo& info :
       table_.ListConsumerGroups("", ClientTable::kMaxPiece)) {
    now[info.group] = info.epoch;
    epochs_[info.group];
  }
  for (auto& [group, epochs] : epochs_) {
    const uint64_t epoch = now[group];
    if (epochs.empty() || epoch != epochs.back()) {
      const uint64_t latest =
          epochs.empty() ? 0 : *std::max_element(epochs.begin(), epochs.end());
      if (epoch != 0 && epoch <= latest) {
        outcome->add_groups(absl::StrCat(group, " fell to ", epoch));
      }
      epochs.push_back(epoch);
    }
    outcome->add_groups(absl::StrCat(group, " ", epochs.size()));
  }
}

uint64_t ProductEpochs::EpochOf(const Operation& operation) const {
  const auto found = epochs_.find(operation.group());
  if (found == epochs_.end() || operation.ms() == -2) return 0;
  const std::vector<uint64_t>& epochs = found->second;
  if (operation.ms() == -1) {
    return *std::max_element(epochs.begin(), epochs.end()) + 1;
  }
  const size_t back = static_cast<size_t>(operation.ms());
  return epochs[epochs.size() - 1 - std::min(back, epochs.size() - 1)];
}

bool ProductEpochs::Read(const std::string& group, Listing* listing) const {
  ClientIdList list =
      table_.ListClientIdsAt(group, listing->epoch, 1, &listing->cursor);
  if (list.outcome != ClientIdList::Outcome::kListed) return false;
  listing->epoch = list.epoch;
  for (std::string& client_id : list.client_ids) {
    listing->client_ids.insert(std::move(client_id));
  }
  return true;
}

void ProductEpochs::Show(const Listing& listing, Outcome* outcome) {
  for (const std::string& client_id : listing.client_ids) {
    outcome->add_client_ids(client_id);
  }
}

void ProductEpochs::ListAt(const Operation& operation, Outcome* outcome) {
  Listing listing;
  listing.epoch = EpochOf(operation);
  if (listing.epoch == 0) return;
  do {
    if (!Read(operation.group(), &listing)) {
      outcome->set_refused("gone");
      return;
    }
  } while (listing.cursor != 0);
  Show(listing, outcome);
}

void ProductEpochs::BeginList(const Operation& operation) {
  begun_.erase(operation.group());
  Listing listing;
  if (Read(operation.group(), &listing)) begun_[operation.group()] = listing;
}

void ProductEpochs::EndList(const Operation& operation, Outcome* outcome) {
  const auto found = begun_.find(operation.group());
  if (found == begun_.end()) return;
  Listing listing = found->second;
  begun_.erase(found);
  while (listing.cursor != 0) {
    if (!Read(operation.group(), &listing)) {
      outcome->set_refused("gone");
      return;
    }
  }
  Show(listing, outcome);
}

void ProductEpochs::Acknowledge(const Operation& operation,
                                ClientChannel& channel, absl::Time now,
                                Outcome* outcome) {
  bool push_is_due = false;
  switch (table_.Acknowledge(channel, operation.group(), EpochOf(operation),
                             now, &push_is_due)) {
    case AcknowledgeOutcome::kTaken: outcome->set_renewal("TAKEN"); break;
    case AcknowledgeOutcome::kNotMember:
      outcome->set_renewal("NOT_MEMBER");
      break;
    case AcknowledgeOutcome::kZero: outcome->set_renewal("ZERO"); break;
    case AcknowledgeOutcome::kFuture: outcome->set_renewal("FUTURE"); break;
  }
}

}  // namespace rmq::conformance
