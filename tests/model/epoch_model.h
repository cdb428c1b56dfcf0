// The epochs of consumer groups: a group's epoch moves whenever its set of
// client ids changes, and only then. What the numbers are is the broker's
// business: here the epochs of a group are its sets, one after the other.
#ifndef TESTS_MODEL_EPOCH_MODEL_H_
#define TESTS_MODEL_EPOCH_MODEL_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/model/broker_model.h"

namespace rmq::model {

class EpochModel {
 public:
  using ClientIds = std::set<std::string>;

  // To be called after each change of `broker`.
  void Note(const BrokerModel& broker);

  // How many epochs each group has had, the time after its end counted.
  const std::map<std::string, std::vector<ClientIds>>& epochs() const {
    return epochs_;
  }

  // The client ids of the group `back` epochs ago, or in its first one. Empty
  // if there were none.
  ClientIds At(const std::string& group, size_t back) const;

 private:
  std::map<std::string, std::vector<ClientIds>> epochs_;
};

}  // namespace rmq::model

#endif  // TESTS_MODEL_EPOCH_MODEL_H_
