// What a member of a consumer group states, as the registry keeps it.
//
// There is one for each membership, so its size counts: statements that differ
// in sub versions alone share one copy of their text, and equal statements
// share everything.
#ifndef BROKER_REGISTRY_MEMBER_STATEMENT_H_
#define BROKER_REGISTRY_MEMBER_STATEMENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/registry/statement.h"
#include "broker/registry/statement_form.h"
#include "common/client_types.h"

namespace rmq {

class MemberStatementPool;

// A value of the size of a pointer, movable and not copyable. Empty by default:
// then it states nothing and has no modes.
//
// Not thread-safe. It must not outlive the pool that made it.
class MemberStatement {
 public:
  MemberStatement() = default;
  MemberStatement(MemberStatement&& other) noexcept
      : word_(std::exchange(other.word_, nullptr)) {}
  MemberStatement& operator=(MemberStatement&& other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~MemberStatement();

  bool empty() const { return word_ == nullptr; }

  // All of these except size(), Find(), Share() and SharesTextWith() require a
  // statement that is not empty.
  const ConsumerModes& modes() const;
  bool unit_mode() const;

  // Topics stand in the order of their names.
  size_t size() const;
  const std::string& topic(size_t at) const;
  const std::string& expression(size_t at) const;
  const std::string& expression_type(size_t at) const;
  int64_t sub_version(size_t at) const;

  // Where `topic` stands; size() if it is not stated.
  size_t Find(absl::string_view topic) const;

  // What is compared with other members. Statements with equal forms have the
  // same one. It is made by the first call, and lives as long as a statement
  // with this text.
  const StatementForm& form() const;

  // A statement of the same text, whatever its sub versions. Costs no memory.
  MemberStatement Share() const;
  // Whether the two have the same text, or are both empty.
  bool SharesTextWith(const MemberStatement& other) const;

 private:
  friend class MemberStatementPool;

  // A whole statement, with the sub versions of the first one of this text.
  struct Shape;
  // The sub versions of a statement that differ from those of its shape.
  struct OwnVersions;

  explicit MemberStatement(char* word) : word_(word) {}

  const Shape& shape() const;
  const OwnVersions* own_versions() const;

  // Null, or where a Shape begins, or one byte behind where an OwnVersions
  // begins: both begin at even addresses.
  char* word_ = nullptr;
};

// Makes member statements and owns what they share. It must outlive them. Not
// thread-safe.
class MemberStatementPool {
 public:
  MemberStatementPool();
  MemberStatementPool(const MemberStatementPool&) = delete;
  MemberStatementPool& operator=(const MemberStatementPool&) = delete;
  ~MemberStatementPool();

  // The statement of a member whose statement was `before` (empty: none) and
  // who now states `stated`. A topic of `before` that is stated with a sub
  // version that is not greater stays as it is in `before`. A topic that is not
  // stated is dropped.
  MemberStatement Update(const MemberStatement& before,
                         const ConsumerStatement& stated);

  // Whether Update() would return a statement equal to `before`.
  static bool ChangesNothing(const MemberStatement& before,
                             const ConsumerStatement& stated);

  // The number of different texts.
  size_t shapes() const { return shapes_.size(); }
  // The number of different forms that were asked for.
  size_t forms() const { return forms_.size(); }

 private:
  friend class MemberStatement;
  using Shape = MemberStatement::Shape;

  // What identifies a shape: everything but the sub versions. Topics stand in
  // the order of their names.
  struct Key {
    const ConsumerModes& modes;
    bool unit_mode;
    absl::Span<const SubscriptionStatement> subscriptions;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Key& key) const;
    size_t operator()(const std::unique_ptr<Shape>& shape) const;
    size_t operator()(const Shape* shape) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const std::unique_ptr<Shape>& a,
                    const std::unique_ptr<Shape>& b) const {
      return a == b;
    }
    bool operator()(const std::unique_ptr<Shape>& a, const Shape* b) const {
      return a.get() == b;
    }
    bool operator()(const std::unique_ptr<Shape>& shape, const Key& key) const;
  };

  Shape& FindOrMake(const Key& key);

  // Before the texts, which hold forms.
  StatementFormPool forms_;
  absl::flat_hash_set<std::unique_ptr<Shape>, Hash, Equal> shapes_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_MEMBER_STATEMENT_H_
