#include "broker/registry/member_statement.h"

#include <algorithm>
#include <new>

#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"

namespace rmq {
namespace {

// Statements mostly have no more topics.
constexpr size_t kUsualTopics = 4;

}  // namespace

struct MemberStatement::Shape {
  struct Topic {
    std::string topic;
    std::string expression;
    std::string expression_type;
    int64_t sub_version;
  };

  MemberStatementPool* pool;
  size_t hash;
  size_t holders = 0;
  ConsumerModes modes;
  bool unit_mode;
  std::vector<Topic> topics;
  // Null until it is asked for.
  const StatementForm* form = nullptr;
};

// As many numbers as the shape has topics stand behind it, in the same
// allocation.
struct MemberStatement::OwnVersions {
  Shape* shape;

  int64_t* versions() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* versions() const {
    return reinterpret_cast<const int64_t*>(this + 1);
  }
};

MemberStatement::~MemberStatement() {
  if (empty()) return;
  auto& shape = const_cast<Shape&>(this->shape());
  ::operator delete(const_cast<OwnVersions*>(own_versions()));
  if (--shape.holders > 0) return;
  if (shape.form != nullptr) shape.pool->forms_.Release(*shape.form);
  auto& shapes = shape.pool->shapes_;
  shapes.erase(shapes.find(&shape));
}

const MemberStatement::Shape& MemberStatement::shape() const {
  const OwnVersions* const own = own_versions();
  return own != nullptr ? *own->shape : *reinterpret_cast<const Shape*>(word_);
}

const MemberStatement::OwnVersions* MemberStatement::own_versions() const {
  const bool has_own = reinterpret_cast<uintptr_t>(word_) % 2 != 0;
  return has_own ? reinterpret_cast<const OwnVersions*>(word_ - 1) : nullptr;
}

const ConsumerModes& MemberStatement::modes() const { return shape().modes; }
bool MemberStatement::unit_mode() const { return shape().unit_mode; }

size_t MemberStatement::size() const {
  return empty() ? 0 : shape().topics.size();
}

const std::string& MemberStatement::topic(size_t at) const {
  return shape().topics[at].topic;
}
const std::string& MemberStatement::expression(size_t at) const {
  return shape().topics[at].expression;
}
const std::string& MemberStatement::expression_type(size_t at) const {
  return shape().topics[at].expression_type;
}

int64_t MemberStatement::sub_version(size_t at) const {
  const OwnVersions* const own = own_versions();
  return own != nullptr ? own->versions()[at] : shape().topics[at].sub_version;
}

size_t MemberStatement::Find(absl::string_view topic) const {
  if (empty()) return 0;
  const auto& topics = shape().topics;
  const auto found = std::lower_bound(
      topics.begin(), topics.end(), topic,
      [](const Shape::Topic& a, absl::string_view b) { return a.topic < b; });
  return found != topics.end() && found->topic == topic
             ? static_cast<size_t>(found - topics.begin())
             : topics.size();
}

const StatementForm& MemberStatement::form() const {
  auto& shape = const_cast<Shape&>(this->shape());
  if (shape.form != nullptr) return *shape.form;
  StatementForm form;
  form.consume_type = shape.modes.consume_type;
  if (shape.modes.message_model != MessageModel::kUnspecified) {
    form.message_model = shape.modes.message_model;
  }
  form.topics.reserve(shape.topics.size());
  for (const Shape::Topic& topic : shape.topics) {
    form.topics.push_back(
        FormOf(topic.topic, topic.expression, topic.expression_type));
  }
  shape.form = &shape.pool->forms_.Hold(std::move(form));
  return *shape.form;
}

MemberStatement MemberStatement::Share() const {
  if (empty()) return {};
  auto& shape = const_cast<Shape&>(this->shape());
  ++shape.holders;
  return MemberStatement(reinterpret_cast<char*>(&shape));
}

bool MemberStatement::SharesTextWith(const MemberStatement& other) const {
  if (empty() || other.empty()) return empty() == other.empty();
  return &shape() == &other.shape();
}

MemberStatementPool::MemberStatementPool() = default;
MemberStatementPool::~MemberStatementPool() = default;

MemberStatement MemberStatementPool::Update(const MemberStatement& before,
                                            const ConsumerStatement& stated) {
  absl::InlinedVector<SubscriptionStatement, kUsualTopics> subscriptions(
      stated.subscriptions.begin(), stated.subscriptions.end());
  std::sort(subscriptions.begin(), subscriptions.end(),
            [](const SubscriptionStatement& a, const SubscriptionStatement& b) {
              return a.topic < b.topic;
            });
  for (SubscriptionStatement& subscription : subscriptions) {
    const size_t known = before.Find(subscription.topic);
    if (known == before.size() ||
        subscription.sub_version > before.sub_version(known)) {
      continue;
    }
    subscription.expression = before.expression(known);
    subscription.expression_type = before.expression_type(known);
    subscription.sub_version = before.sub_version(known);
  }

  Shape& shape = FindOrMake({stated.modes, stated.unit_mode, subscriptions});
  ++shape.holders;
  const bool has_the_shapes_versions = std::equal(
      subscriptions.begin(), subscriptions.end(), shape.topics.begin(),
      [](const SubscriptionStatement& a, const Shape::Topic& b) {
        return a.sub_version == b.sub_version;
      });
  if (has_the_shapes_versions) {
    return MemberStatement(reinterpret_cast<char*>(&shape));
  }
  using OwnVersions = MemberStatement::OwnVersions;
  auto* const own = new (::operator new(sizeof(OwnVersions) +
                                        subscriptions.size() * sizeof(int64_t)))
      OwnVersions{&shape};
  for (size_t at = 0; at < subscriptions.size(); ++at) {
    own->versions()[at] = subscriptions[at].sub_version;
  }
  return MemberStatement(reinterpret_cast<char*>(own) + 1);
}

bool MemberStatementPool::ChangesNothing(const MemberStatement& before,
                                         const ConsumerStatement& stated) {
  if (before.empty() || before.modes() != stated.modes ||
      before.unit_mode() != stated.unit_mode ||
      before.size() != stated.subscriptions.size()) {
    return false;
  }
  return std::all_of(stated.subscriptions.begin(), stated.subscriptions.end(),
                     [&](const SubscriptionStatement& subscription) {
                       const size_t at = before.Find(subscription.topic);
                       return at < before.size() && subscription.sub_version <=
                                                        before.sub_version(at);
                     });
}

size_t MemberStatementPool::Hash::operator()(const Key& key) const {
  // The topics tell nearly all apart; Equal does the rest.
  size_t hash = absl::HashOf(key.subscriptions.size(), key.unit_mode,
                             key.modes.consume_type, key.modes.message_model);
  for (const SubscriptionStatement& subscription : key.subscriptions) {
    hash = absl::HashOf(hash, subscription.topic, subscription.expression);
  }
  return hash;
}

size_t MemberStatementPool::Hash::operator()(
    const std::unique_ptr<Shape>& shape) const {
  return shape->hash;
}
size_t MemberStatementPool::Hash::operator()(const Shape* shape) const {
  return shape->hash;
}

bool MemberStatementPool::Equal::operator()(const std::unique_ptr<Shape>& shape,
                                            const Key& key) const {
  return shape->modes == key.modes && shape->unit_mode == key.unit_mode &&
         std::equal(shape->topics.begin(), shape->topics.end(),
                    key.subscriptions.begin(), key.subscriptions.end(),
                    [](const Shape::Topic& a, const SubscriptionStatement& b) {
                      return a.topic == b.topic &&
                             a.expression == b.expression &&
                             a.expression_type == b.expression_type;
                    });
}

MemberStatement::Shape& MemberStatementPool::FindOrMake(const Key& key) {
  const size_t hash = Hash()(key);
  const auto found = shapes_.find(key, hash);
  if (found != shapes_.end()) return **found;
  auto shape = std::make_unique<Shape>();
  shape->pool = this;
  shape->hash = hash;
  shape->modes = key.modes;
  shape->unit_mode = key.unit_mode;
  shape->topics.reserve(key.subscriptions.size());
  for (const SubscriptionStatement& subscription : key.subscriptions) {
    shape->topics.push_back(
        {std::string(subscription.topic), std::string(subscription.expression),
         std::string(subscription.expression_type), subscription.sub_version});
  }
  return **shapes_.insert(std::move(shape)).first;
}

}  // namespace rmq
