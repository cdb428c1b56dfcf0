#include "broker/registry/principals.h"

namespace rmq {

Principals::Number Principals::Take(absl::string_view name) {
  if (name.empty()) return kAnonymous;
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) {
    ++entries_[found->second].uses;
    return found->second;
  }
  if (unused_.empty()) {
    unused_.push_back(static_cast<Number>(entries_.size()));
    entries_.emplace_back();
  }
  const Number number = unused_.back();
  unused_.pop_back();
  const auto added = numbers_.emplace(name, number).first;
  entries_[number] = {&added->first, 1};
  return number;
}

void Principals::Drop(Number number) {
  if (number == kAnonymous || --entries_[number].uses > 0) return;
  numbers_.erase(numbers_.find(*entries_[number].name));
  entries_[number] = {};
  unused_.push_back(number);
}

}  // namespace rmq
