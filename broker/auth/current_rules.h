// The rules that hold, which may be replaced while others ask them.
#ifndef BROKER_AUTH_CURRENT_RULES_H_
#define BROKER_AUTH_CURRENT_RULES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/auth/auth_rules.h"

namespace rmq {

// Get() may overlap with everything, and waits for no Set(). Who has got rules
// keeps them for as long as it needs. One Set() at a time.
class CurrentRules {
 public:
  struct Numbered {
    std::shared_ptr<const AuthRules> rules;
    // Of the first rules 1, and greater by 1 for each later ones.
    uint64_t generation;
  };
  using Ptr = std::shared_ptr<const Numbered>;

  // Null before the first Set().
  Ptr Get() const { return std::atomic_load(&current_); }

  // These rules hold from now on. Returns their number.
  uint64_t Set(std::shared_ptr<const AuthRules> rules) {
    const Ptr before = Get();
    const uint64_t generation = before == nullptr ? 1 : before->generation + 1;
    std::atomic_store(&current_, Ptr(std::make_shared<Numbered>(
                                     Numbered{std::move(rules), generation})));
    return generation;
  }

 private:
  // By std::atomic_load() and std::atomic_store().
  Ptr current_;
};

}  // namespace rmq

#endif  // BROKER_AUTH_CURRENT_RULES_H_
