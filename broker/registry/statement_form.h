// What of a consumer's statement is compared with those of the other members of
// its group.
#ifndef BROKER_REGISTRY_STATEMENT_FORM_H_
#define BROKER_REGISTRY_STATEMENT_FORM_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/client_types.h"

namespace rmq {

// Two statements that mean the same have equal forms: an empty type is TAG, an
// empty TAG expression is "*", the tags of a TAG expression are a set ("b||a"
// is "a || b"), and the ends of an expression are trimmed. An unset message
// model is CLUSTERING. Sub versions, where the group begins to read, and unit
// mode are no part of the form.
//
// A value. Reference: FilterAPI#buildSubscriptionData, for the tags.
struct StatementForm {
  struct Topic {
    std::string topic;
    std::string expression_type;
    std::string expression;

    friend bool operator==(const Topic& a, const Topic& b) {
      return a.topic == b.topic && a.expression_type == b.expression_type &&
             a.expression == b.expression;
    }
    template <typename H>
    friend H AbslHashValue(H state, const Topic& topic) {
      return H::combine(std::move(state), topic.topic, topic.expression_type,
                        topic.expression);
    }
  };

  ConsumeType consume_type = ConsumeType::kUnspecified;
  MessageModel message_model = MessageModel::kClustering;
  // In the order of their names.
  std::vector<Topic> topics;

  friend bool operator==(const StatementForm& a, const StatementForm& b) {
    return a.consume_type == b.consume_type &&
           a.message_model == b.message_model && a.topics == b.topics;
  }
  template <typename H>
  friend H AbslHashValue(H state, const StatementForm& form) {
    return H::combine(std::move(state), form.consume_type, form.message_model,
                      form.topics);
  }
};

// The form of one subscription.
StatementForm::Topic FormOf(absl::string_view topic,
                            absl::string_view expression,
                            absl::string_view expression_type);

// One of two sides that state different things, for DescribeDifference().
struct StatementSide {
  const StatementForm& form;
  // "this client", "5 of 6 members".
  std::string who;
  // Whether `who` is more than one.
  bool is_plural;
};

// In words, the first difference between two forms that are not equal, and how
// many more there are: "topic t: this client states TAG a, 5 of 6 members state
// TAG a || b". Texts of clients are shortened and made printable.
std::string DescribeDifference(const StatementSide& a, const StatementSide& b);

// Keeps one copy of each form that is held, so that equal forms have one
// address. Not thread-safe.
class StatementFormPool {
 public:
  // Each call is matched by one of Release().
  const StatementForm& Hold(StatementForm form);
  void Release(const StatementForm& form);

  size_t size() const { return holders_.size(); }

 private:
  // How many hold each form.
  absl::node_hash_map<StatementForm, size_t> holders_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_STATEMENT_FORM_H_
