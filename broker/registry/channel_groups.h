// The groups of a channel, as operators read them.
#ifndef BROKER_REGISTRY_CHANNEL_GROUPS_H_
#define BROKER_REGISTRY_CHANNEL_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/client_types.h"

namespace rmq {

// The first kMost groups of each kind, and the program that is in them. A
// value.
struct ChannelGroups {
  static constexpr size_t kMost = 10;

  // Adds a name to `names`, which is consumers or producers, or counts it.
  void Add(absl::string_view name, std::vector<std::string>* names) {
    if (names->size() < kMost) {
      names->emplace_back(name);
    } else {
      ++left_out;
    }
  }

  std::vector<std::string> consumers;
  std::vector<std::string> producers;
  // How many more there are.
  size_t left_out = 0;
  // Of the channel's latest full heartbeat.
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_GROUPS_H_
