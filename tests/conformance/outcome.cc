#include "tests/conformance/outcome.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/repeated_field.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/conformance/trace.h"

namespace rmq::conformance {
namespace {

using google::protobuf::RepeatedPtrField;

constexpr int kSystemError = 1;

template <typename T, typename Key>
void SortBy(RepeatedPtrField<T>* list, Key key) {
  if (list->size() < 2) return;
  std::stable_sort(list->begin(), list->end(),
                   [&](const T& a, const T& b) { return key(a) < key(b); });
}

void Sort(RepeatedPtrField<std::string>* list) {
  if (list->size() < 2) return;
  std::sort(list->begin(), list->end());
}

void Sort(RepeatedPtrField<Connection>* connections) {
  SortBy(connections, [](const Connection& c) { return c.channel(); });
}

void Sort(Outcome* outcome) {
  SortBy(outcome->mutable_pushes(),
         [](const Push& p) { return std::tie(p.channel(), p.group()); });
  for (Event& event : *outcome->mutable_events()) {
    Sort(event.mutable_topics());
    Sort(event.mutable_channels());
  }
  SortBy(outcome->mutable_events(),
         [](const Event& e) { return std::tie(e.kind(), e.group()); });
  Sort(outcome->mutable_closed());
  Sort(outcome->mutable_any_of());
  Sort(outcome->mutable_groups());
  Sort(outcome->mutable_client_ids());
  Sort(outcome->mutable_subscription_groups());
  for (ConsumerGroup& group : *outcome->mutable_consumer_groups()) {
    Sort(group.mutable_connections());
    for (Subscription& subscription : *group.mutable_subscriptions()) {
      Sort(subscription.mutable_tags_set());
      std::sort(subscription.mutable_code_set()->begin(),
                subscription.mutable_code_set()->end());
    }
    SortBy(group.mutable_subscriptions(),
           [](const Subscription& s) { return s.topic(); });
  }
  SortBy(outcome->mutable_consumer_groups(),
         [](const ConsumerGroup& g) { return g.group(); });
  for (ProducerGroup& group : *outcome->mutable_producer_groups()) {
    Sort(group.mutable_connections());
  }
  SortBy(outcome->mutable_producer_groups(),
         [](const ProducerGroup& g) { return g.group(); });
  SortBy(outcome->mutable_topics(), [](const Topic& t) { return t.topic(); });
  SortBy(outcome->mutable_skipped(),
         [](const Skipped& s) { return s.group(); });
}

bool IsLeave(const Event& event) { return event.type() == "CLIENT_UNREGISTER"; }

bool AreOfOneGroup(const Event& a, const Event& b) {
  return a.kind() == b.kind() && a.group() == b.group();
}

// Sorts what several channels that leave in a row are told of.
void SortLeavesInARow(RepeatedPtrField<Event>* events) {
  for (auto first = events->begin(); first != events->end();) {
    const auto last = std::find_if(first, events->end(), [&](const Event& e) {
      return !IsLeave(e) || !AreOfOneGroup(e, *first);
    });
    std::stable_sort(first, last, [](const Event& a, const Event& b) {
      return a.channel() < b.channel();
    });
    first = last == first ? first + 1 : last;
  }
}

std::vector<std::string> Lines(const Outcome& outcome) {
  std::vector<std::string> lines;
  const auto add_all = [&](const char* what, const auto& list) {
    for (const auto& element : list) {
      lines.push_back(absl::StrCat(what, " ", ToJson(element)));
    }
  };
  const auto add_names = [&](const char* what, const auto& list) {
    for (const std::string& name : list) {
      lines.push_back(absl::StrCat(what, " ", name));
    }
  };
  add_all("push", outcome.pushes());
  add_all("event", outcome.events());
  add_names("closed", outcome.closed());
  add_names("any of", outcome.any_of());
  add_names("group", outcome.groups());
  add_names("client id", outcome.client_ids());
  add_all("consumer group", outcome.consumer_groups());
  add_all("producer group", outcome.producer_groups());
  add_all("topic", outcome.topics());
  add_names("subscription group", outcome.subscription_groups());
  add_all("skipped", outcome.skipped());
  Outcome rest = outcome;
  rest.clear_pushes();
  rest.clear_events();
  rest.clear_closed();
  rest.clear_any_of();
  rest.clear_groups();
  rest.clear_client_ids();
  rest.clear_consumer_groups();
  rest.clear_producer_groups();
  rest.clear_topics();
  rest.clear_subscription_groups();
  rest.clear_skipped();
  lines.push_back(absl::StrCat("answer ", ToJson(rest)));
  return lines;
}

}  // namespace

Outcome ComparedWithRecording(const Operation& operation, Outcome outcome) {
  Sort(&outcome);
  if (operation.op() == "scan" || operation.op() == "tick") {
    SortLeavesInARow(outcome.mutable_events());
  }
  if (!outcome.exception().empty()) {
    // The remoting layer's answer to any.
    outcome.set_code(kSystemError);
    outcome.set_code_name("SYSTEM_ERROR");
    outcome.clear_remark();
  }
  if (outcome.code() != kSystemError) outcome.clear_remark();
  // The class, with or without its package.
  const std::string& exception = outcome.exception();
  outcome.set_exception(exception.substr(exception.rfind('.') + 1));
  outcome.clear_refused();
  outcome.clear_renewal();
  outcome.clear_skipped();
  for (Event& event : *outcome.mutable_events()) event.clear_reason();
  return outcome;
}

Outcome ComparedWithProduct(Outcome outcome) {
  Sort(&outcome);
  if (outcome.code() != kSystemError) outcome.clear_remark();
  outcome.clear_ext();
  return outcome;
}

void AllowAnyOf(const Outcome& got, Outcome* expected) {
  if (got.any_of_size() != 1) return;
  const auto& right = expected->any_of();
  if (std::find(right.begin(), right.end(), got.any_of(0)) != right.end()) {
    *expected->mutable_any_of() = got.any_of();
  }
}

bool AreEqualLookUps(const Outcome& expected, const Outcome& got) {
  const auto are_equal = [](const auto& a, const auto& b) {
    return a.size() == b.size() &&
           std::is_permutation(a.begin(), a.end(), b.begin());
  };
  const auto& right = expected.any_of();
  return expected.code() == got.code() && expected.remark() == got.remark() &&
         (got.any_of_size() == 1 ? std::find(right.begin(), right.end(),
                                             got.any_of(0)) != right.end()
                                 : are_equal(right, got.any_of())) &&
         expected.has_channel() == got.has_channel() &&
         expected.channel() == got.channel() &&
         are_equal(expected.groups(), got.groups()) &&
         expected.producer() == got.producer() &&
         expected.consumer() == got.consumer() &&
         are_equal(expected.client_ids(), got.client_ids());
}

bool AreEqual(const Outcome& a, const Outcome& b) {
  if (a.ext().empty() && b.ext().empty()) {
    // Without a map the encoding tells, and is quicker.
    return a.SerializeAsString() == b.SerializeAsString();
  }
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

std::vector<std::string> Differences(const Outcome& expected,
                                     const Outcome& got) {
  if (AreEqual(expected, got)) return {};
  const std::vector<std::string> expected_lines = Lines(expected);
  const std::vector<std::string> got_lines = Lines(got);
  std::map<std::string, int> balance;
  for (const std::string& line : expected_lines) ++balance[line];
  for (const std::string& line : got_lines) --balance[line];
  std::vector<std::string> differences;
  for (const auto& [line, count] : balance) {
    for (int i = 0; i < count; ++i) differences.push_back("- " + line);
  }
  for (const auto& [line, count] : balance) {
    for (int i = count; i < 0; ++i) differences.push_back("+ " + line);
  }
  if (!differences.empty()) return differences;
  differences.push_back("the order differs; expected:");
  for (const std::string& line : expected_lines) {
    differences.push_back("- " + line);
  }
  for (const std::string& line : got_lines) differences.push_back("+ " + line);
  return differences;
}

}  // namespace rmq::conformance
