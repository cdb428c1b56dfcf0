#include "tests/model/epoch_model.h"

#include <algorithm>
#include <utility>

namespace rmq::model {

void EpochModel::Note(const BrokerModel& broker) {
  std::map<std::string, ClientIds> now;
  for (const auto& [name, group] : broker.groups(GroupKind::kConsumer)) {
    for (const int member : group.members) {
      now[name].insert(
          broker.FindMembership(member, GroupKind::kConsumer, name)->client_id);
    }
  }
  for (auto& [name, epochs] : epochs_) {
    ClientIds ids = std::move(now[name]);
    now.erase(name);
    if (ids != epochs.back()) epochs.push_back(std::move(ids));
  }
  for (auto& [name, ids] : now) epochs_[name].push_back(std::move(ids));
}

EpochModel::ClientIds EpochModel::At(const std::string& group,
                                     size_t back) const {
  const auto found = epochs_.find(group);
  if (found == epochs_.end()) return {};
  const std::vector<ClientIds>& epochs = found->second;
  return epochs[epochs.size() - 1 - std::min(back, epochs.size() - 1)];
}

}  // namespace rmq::model
