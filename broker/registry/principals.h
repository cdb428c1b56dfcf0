// Small numbers for the principals that hold client ids.
#ifndef BROKER_REGISTRY_PRINCIPALS_H_
#define BROKER_REGISTRY_PRINCIPALS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"

namespace rmq {

// A number for each name that is in use, so that each client needs four bytes
// for who holds its id. As many as there are names in use at once.
// Not thread-safe.
class Principals {
 public:
  using Number = uint32_t;
  // Of the empty name: anonymous. Always there.
  static constexpr Number kAnonymous = 0;

  // The number of `name`, with one use more; it is kept until as many uses are
  // dropped.
  Number Take(absl::string_view name);
  void Drop(Number number);

  // The number of a name that is in use; kAnonymous for any other one.
  Number Find(absl::string_view name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? kAnonymous : found->second;
  }

  // Of a number in use; valid while it is.
  absl::string_view NameOf(Number number) const {
    return number == kAnonymous ? absl::string_view() : *entries_[number].name;
  }

  // Names in use, anonymous left aside.
  size_t size() const { return numbers_.size(); }

 private:
  struct Entry {
    // The key in `numbers_`.
    const std::string* name = nullptr;
    size_t uses = 0;
  };

  // Keys do not move: `entries_` point to them.
  absl::node_hash_map<std::string, Number> numbers_;
  std::vector<Entry> entries_ = std::vector<Entry>(1);
  std::vector<Number> unused_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_PRINCIPALS_H_
