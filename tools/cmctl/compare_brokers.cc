#include "tools/cmctl/compare_brokers.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace rmq::cmctl {
namespace {

// Of what a disagreement says of one broker, so much.
constexpr size_t kMaxText = 160;

std::string Cut(std::string text) {
  if (text.size() <= kMaxText) return text;
  size_t end = kMaxText;  // Not within a character of UTF-8.
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  text.resize(end);
  return absl::StrCat(text, "...");
}

class Comparer {
 public:
  Comparer(const std::vector<BrokerView>& brokers, size_t most,
           Comparison* comparison)
      : most_(most), comparison_(*comparison) {
    for (const BrokerView& broker : brokers) {
      if (broker.is_comparable()) {
        brokers_.push_back(&broker);
      } else if (broker.status.ok()) {
        comparison_.notes.push_back(absl::StrCat(
            broker.label, " is not compared: it ",
            broker.facts.has_settling_until()
                ? "settles, and its clients may not have come back yet"
                : "drains, and its clients leave"));
      }
    }
    comparison_.brokers = static_cast<int64_t>(brokers_.size());
  }

  void Compare() {
    if (brokers_.size() < 2) return;
    comparison_.is_partial = Have(&BrokerView::has_more_clients) ||
                             Have(&BrokerView::has_more_groups);
    if (Have(&BrokerView::has_more_clients)) {
      comparison_.notes.emplace_back(
          "clients are not compared: a broker has more than were read; see "
          "--clients");
    } else {
      CompareClients();
    }
    if (Have(&BrokerView::has_more_groups)) {
      comparison_.notes.emplace_back(
          "not all consumer groups are compared: a broker has more than are "
          "read");
    }
    CompareGroups();
  }

 private:
  bool Have(bool BrokerView::*flag) const {
    return std::any_of(brokers_.begin(), brokers_.end(),
                       [flag](const BrokerView* b) { return b->*flag; });
  }

  void Add(const char* what, const std::string& name, std::string detail) {
    const auto count = std::count_if(
        comparison_.disagreements.begin(), comparison_.disagreements.end(),
        [what](const Disagreement& other) { return other.what == what; });
    if (static_cast<size_t>(count) >= most_) {
      ++comparison_.left_out[what];
    } else {
      comparison_.disagreements.push_back({what, name, std::move(detail)});
    }
  }

  // "on b1; not on b2".
  static std::string OnSome(const std::vector<std::string>& on,
                            const std::vector<std::string>& not_on) {
    return absl::StrCat("on ", absl::StrJoin(on, ", "), "; not on ",
                        absl::StrJoin(not_on, ", "));
  }

  void CompareClients() {
    std::set<std::string> ids;
    for (const BrokerView* const broker : brokers_) {
      for (const auto& [id, client] : broker->clients) ids.insert(id);
    }
    comparison_.clients = static_cast<int64_t>(ids.size());
    for (const std::string& id : ids) {
      std::vector<std::string> on;
      std::vector<std::string> not_on;
      bool is_on_its_way = false;
      for (const BrokerView* const broker : brokers_) {
        const auto found = broker->clients.find(id);
        if (found == broker->clients.end()) {
          not_on.push_back(broker->label);
          continue;
        }
        on.push_back(broker->label);
        is_on_its_way =
            is_on_its_way ||
            ToTime(broker->facts.now()) - found->second.opened < kOnItsWay;
      }
      if (is_on_its_way) continue;
      if (!not_on.empty()) {
        Add("client", id, OnSome(on, not_on));
      } else {
        CompareGroupsOf(id);
      }
    }
  }

  // Of a client that all brokers have.
  void CompareGroupsOf(const std::string& id) {
    std::set<std::string> groups;
    for (const BrokerView* const broker : brokers_) {
      const ClientView& client = broker->clients.at(id);
      if (client.has_more_groups) return;
      groups.insert(client.groups.begin(), client.groups.end());
    }
    std::vector<std::string> details;
    for (const std::string& group : groups) {
      std::vector<std::string> on;
      std::vector<std::string> not_on;
      for (const BrokerView* const broker : brokers_) {
        const bool is_in = broker->clients.at(id).groups.count(group) > 0;
        (is_in ? on : not_on).push_back(broker->label);
      }
      if (not_on.empty()) continue;
      details.push_back(absl::StrCat("in ", group, " ", OnSome(on, not_on)));
    }
    if (details.empty()) return;
    Add("groups of client", id, Cut(absl::StrJoin(details, "; ")));
  }

  // A group that is on some brokers only has clients that are.
  void CompareGroups() {
    std::map<std::string, std::vector<const BrokerView*>> holders;
    for (const BrokerView* const broker : brokers_) {
      for (const auto& [name, group] : broker->groups) {
        holders[name].push_back(broker);
      }
    }
    comparison_.groups = static_cast<int64_t>(holders.size());
    for (const auto& [name, on] : holders) {
      // What each broker has, in words, and which brokers have it.
      // Nothing is known of what brokers infer.
      std::set<absl::string_view> inferred;
      for (const BrokerView* const broker : on) {
        const GroupView& group = broker->groups.at(name);
        inferred.insert(group.inferred_topics.begin(),
                        group.inferred_topics.end());
      }
      std::map<std::string, std::vector<std::string>> stated;
      for (const BrokerView* const broker : on) {
        const GroupView& group = broker->groups.at(name);
        std::vector<absl::string_view> known;
        for (const absl::string_view subscription : group.subscriptions) {
          const size_t end = subscription.find(' ');
          if (inferred.count(subscription.substr(0, end)) == 0) {
            known.push_back(subscription);
          }
        }
        stated[absl::StrCat(
                   group.modes, ": ",
                   known.empty() ? "nothing" : absl::StrJoin(known, ", "))]
            .push_back(broker->label);
      }
      if (stated.size() < 2) continue;
      Add("subscriptions", name,
          absl::StrJoin(stated, "; ", [](std::string* out, const auto& each) {
            absl::StrAppend(out, absl::StrJoin(each.second, ", "), " has ",
                            Cut(each.first));
          }));
    }
  }

  const size_t most_;
  Comparison& comparison_;
  std::vector<const BrokerView*> brokers_;
};

}  // namespace

Comparison CompareBrokers(const std::vector<BrokerView>& brokers, size_t most) {
  Comparison comparison;
  Comparer(brokers, most, &comparison).Compare();
  return comparison;
}

void CompareEpochs(const std::vector<EpochView>& brokers, size_t most,
                   Comparison* comparison) {
  std::set<std::string> groups;
  for (const EpochView& broker : brokers) {
    for (const auto& [group, epoch] : broker.before) groups.insert(group);
  }
  size_t count = 0;
  for (const std::string& group : groups) {
    std::vector<std::string> moved;
    std::vector<std::string> stood;
    for (const EpochView& broker : brokers) {
      const auto before = broker.before.find(group);
      const auto after = broker.after.find(group);
      if (before == broker.before.end() || after == broker.after.end()) {
        continue;
      }
      if (before->second == after->second) {
        stood.push_back(
            absl::StrCat(broker.label, " (at ", before->second, ")"));
      } else {
        moved.push_back(absl::StrCat(broker.label, " (", before->second, " to ",
                                     after->second, ")"));
      }
    }
    if (moved.empty() || stood.empty()) continue;
    if (count++ >= most) {
      ++comparison->left_out["epoch"];
      continue;
    }
    comparison->disagreements.push_back(
        {"epoch", group,
         absl::StrCat("moved on ", absl::StrJoin(moved, ", "),
                      "; stood still on ", absl::StrJoin(stood, ", "))});
  }
}

}  // namespace rmq::cmctl
