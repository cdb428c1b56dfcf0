#include "tools/cmctl/doctor_finders.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/broker_view.h"
#include "tools/cmctl/compare_brokers.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr absl::Duration kCertificateWarning = absl::Hours(24 * 30);
constexpr absl::Duration kCertificateError = absl::Hours(24 * 7);
constexpr absl::Duration kMostSkew = absl::Seconds(2);
constexpr size_t kMostNames = 5;
// A client of an SDK that opens its stream anew, as its old connection is dead,
// may have two for as long as a broker needs to notice that.
constexpr absl::Duration kReopening = absl::Minutes(1);

const pb::GetBrokerResponse& FactsOf(const Patient& patient) {
  return patient.view.facts;
}

// "a, b, c, d, e and 3 more".
std::string Some(const std::vector<std::string>& names) {
  if (names.size() <= kMostNames) return absl::StrJoin(names, ", ");
  return absl::StrCat(
      absl::StrJoin(names.begin(), names.begin() + kMostNames, ", "), " and ",
      names.size() - kMostNames, " more");
}

// Calls `what(patient)` for each; a text that is not empty is a hit.
template <typename What>
Hits OfEach(const Patients& patients, Severity severity, What what) {
  Hits hits;
  for (const Patient& patient : patients) {
    const std::string text = what(patient);
    if (!text.empty()) hits.push_back({patient.view.label, text, severity});
  }
  return hits;
}

// A hit if the brokers do not all have the same `value`.
template <typename Value>
Hits IfTheyDiffer(const Patients& patients, Severity severity,
                  absl::string_view what, Value value) {
  std::map<std::string, std::vector<std::string>> labels;
  for (const Patient& patient : patients) {
    labels[value(patient)].push_back(patient.view.label);
  }
  if (labels.size() < 2) return {};
  return {{"",
           absl::StrCat(what, " differs: ",
                        absl::StrJoin(
                            labels, "; ",
                            [](std::string* out, const auto& each) {
                              absl::StrAppend(
                                  out, each.first.empty() ? "none" : each.first,
                                  " at ", absl::StrJoin(each.second, ", "));
                            })),
           severity}};
}

}  // namespace

Hits FindPlaintext(const Patients& patients) {
  return OfEach(patients, Severity::kError, [](const Patient& patient) {
    std::vector<std::string> addresses;
    for (const pb::ServedAddress& address : FactsOf(patient).addresses()) {
      if (address.is_remote() &&
          address.security() == pb::ServedAddress::SECURITY_PLAINTEXT) {
        addresses.push_back(address.address());
      }
    }
    return addresses.empty()
               ? ""
               : absl::StrCat("other machines reach ",
                              absl::StrJoin(addresses, ", "), " without TLS");
  });
}

Hits FindAnonymous(const Patients& patients) {
  return OfEach(patients, Severity::kError, [](const Patient& patient) {
    const pb::GetBrokerResponse& facts = FactsOf(patient);
    const bool is_remote = std::any_of(
        facts.addresses().begin(), facts.addresses().end(),
        [](const pb::ServedAddress& address) { return address.is_remote(); });
    return is_remote && facts.auth() != pb::GetBrokerResponse::AUTH_MODE_ON &&
                   !facts.client_certificates_required()
               ? "other machines reach it, and nobody must show who he is"
               : "";
  });
}

Hits FindAuthLog(const Patients& patients) {
  return OfEach(patients, Severity::kWarning, [](const Patient& patient) {
    return FactsOf(patient).auth() == pb::GetBrokerResponse::AUTH_MODE_LOG
               ? "auth=log: what the rules deny is logged, and allowed"
               : "";
  });
}

Hits FindCertificate(const Patients& patients) {
  Hits hits;
  for (const Patient& patient : patients) {
    const pb::GetBrokerResponse& facts = FactsOf(patient);
    if (!facts.has_certificate_not_after()) continue;
    const absl::Time ends = ToTime(facts.certificate_not_after());
    const absl::Duration left = ends - ToTime(facts.now());
    if (left >= kCertificateWarning) continue;
    hits.push_back(
        {patient.view.label,
         absl::StrCat(
             "its certificate ",
             left <= absl::ZeroDuration() ? "has expired" : "expires", " on ",
             absl::FormatTime("%Y-%m-%d %H:%M UTC", ends, absl::UTCTimeZone())),
         left < kCertificateError ? Severity::kError : Severity::kWarning});
  }
  return hits;
}

Hits FindSettling(const Patients& patients) {
  return OfEach(patients, Severity::kNote, [](const Patient& patient) {
    const pb::GetBrokerResponse& facts = FactsOf(patient);
    return facts.has_settling_until()
               ? absl::StrCat(
                     "it has started lately, and settles for another ",
                     absl::FormatDuration(absl::Ceil(
                         ToTime(facts.settling_until()) - ToTime(facts.now()),
                         absl::Seconds(1))))
               : "";
  });
}

Hits FindDraining(const Patients& patients) {
  return OfEach(patients, Severity::kWarning, [](const Patient& patient) {
    return FactsOf(patient).state() == pb::GetBrokerResponse::STATE_SERVING
               ? ""
               : "it drains, or is drained: it takes no clients";
  });
}

Hits FindSubscriptions(const Patients& patients) {
  return OfEach(patients, Severity::kError, [](const Patient& patient) {
    return patient.inconsistent_groups.empty()
               ? ""
               : absl::StrCat("members of ", Some(patient.inconsistent_groups),
                              " state different subscriptions");
  });
}

Hits FindDuplicates(const Patients& patients) {
  Hits hits;
  for (const Patient& patient : patients) {
    std::vector<std::string> certain;
    std::vector<std::string> reopened;
    for (const pb::DuplicateClientId& duplicate : patient.duplicates) {
      // Channels say which process they are of, and streams of SDKs do not.
      const bool may_be_one =
          duplicate.channels().empty() &&
          ToTime(FactsOf(patient).now()) - ToTime(duplicate.since()) <
              kReopening;
      (may_be_one ? reopened : certain).push_back(duplicate.client_id());
    }
    const absl::string_view more =
        patient.has_more_duplicates ? "more than " : "";
    if (!certain.empty()) {
      hits.push_back(
          {patient.view.label,
           absl::StrCat(
               "several processes use a client id (", more, certain.size(),
               certain.size() == 1 ? " id): " : " ids): ", Some(certain)),
           Severity::kError});
    }
    if (!reopened.empty()) {
      hits.push_back(
          {patient.view.label,
           absl::StrCat(
               "SDK clients share an id for less than ",
               absl::FormatDuration(kReopening), ": ", Some(reopened),
               "; that is one process if it has opened its stream anew, or "
               "has another address: ask again in a minute"),
           Severity::kNote});
    }
  }
  return hits;
}

Hits FindSomeBrokersOnly(const Patients& patients) {
  std::vector<BrokerView> views;
  for (const Patient& patient : patients) views.push_back(patient.view);
  const Comparison comparison = CompareBrokers(views, kMostNames);
  std::map<std::string, std::vector<std::string>> texts;
  for (const Disagreement& each : comparison.disagreements) {
    texts[each.what].push_back(absl::StrCat(each.name, " ", each.detail));
  }
  Hits hits;
  for (auto& [what, names] : texts) {
    const auto more = comparison.left_out.find(what);
    hits.push_back(
        {"",
         absl::StrCat(what, ": ", absl::StrJoin(names, " | "),
                      more == comparison.left_out.end()
                          ? ""
                          : absl::StrCat(" and ", more->second, " more")),
         Severity::kWarning});
  }
  if (comparison.is_partial) {
    hits.push_back({"",
                    "not all clients and groups are compared: a broker has "
                    "more than are read",
                    Severity::kNote});
  }
  return hits;
}

Hits FindVersions(const Patients& patients) {
  return IfTheyDiffer(
      patients, Severity::kWarning, "the version",
      [](const Patient& patient) { return FactsOf(patient).version(); });
}

Hits FindClusters(const Patients& patients) {
  return IfTheyDiffer(
      patients, Severity::kWarning, "the cluster",
      [](const Patient& patient) { return FactsOf(patient).cluster(); });
}

Hits FindIdentity(const Patients& patients) {
  // By name and id: the labels, and the processes.
  std::map<std::string, std::pair<std::vector<std::string>, std::set<uint64_t>>>
      brokers;
  for (const Patient& patient : patients) {
    const pb::GetBrokerResponse& facts = FactsOf(patient);
    auto& [labels, processes] = brokers[absl::StrCat(
        facts.cluster(), "/", facts.broker_name(), "/", facts.broker_id())];
    labels.push_back(patient.view.label);
    processes.insert(facts.broker_incarnation());
  }
  Hits hits;
  for (const auto& [name, broker] : brokers) {
    const auto& [labels, processes] = broker;
    if (labels.size() < 2) continue;
    const bool is_one = processes.size() == 1;
    hits.push_back(
        {"",
         absl::StrCat(absl::StrJoin(labels, ", "),
                      is_one ? " are addresses of one broker, "
                             : " are different brokers, and each is called ",
                      name),
         is_one ? Severity::kNote : Severity::kError});
  }
  return hits;
}

Hits FindClocks(const Patients& patients) {
  return OfEach(patients, Severity::kWarning, [](const Patient& patient) {
    const absl::Duration off = patient.view.clock_ahead;
    if (absl::AbsDuration(off) <= kMostSkew + patient.view.clock_error) {
      return std::string();
    }
    return absl::StrCat("its clock is ",
                        absl::FormatDuration(absl::Trunc(
                            absl::AbsDuration(off), absl::Milliseconds(100))),
                        off > absl::ZeroDuration() ? " before" : " behind",
                        " this machine's");
  });
}

Hits FindFull(const Patients& patients) {
  Hits hits;
  for (const Patient& patient : patients) {
    const pb::GetBrokerResponse& facts = FactsOf(patient);
    // Half of it, since the clients of a broker that fails come to the others.
    if (facts.channels() * 2 < facts.max_channels()) continue;
    hits.push_back({patient.view.label,
                    absl::StrCat(facts.channels(), " of at most ",
                                 facts.max_channels(), " channels are open"),
                    facts.channels() * 10 >= facts.max_channels() * 9
                        ? Severity::kError
                        : Severity::kWarning});
  }
  return hits;
}

Hits FindRefused(const Patients& patients) {
  return OfEach(patients, Severity::kWarning, [](const Patient& patient) {
    const int64_t refused = FactsOf(patient).refused_channels();
    return refused == 0 ? ""
                        : absl::StrCat("it has refused ", refused,
                                       " clients since its start, as it, or a "
                                       "user's or address's part of it, was "
                                       "full");
  });
}

Hits FindExpiry(const Patients& patients) {
  return IfTheyDiffer(
      patients, Severity::kWarning, "how long a silent client is kept",
      [](const Patient& patient) {
        const pb::GetBrokerResponse& facts = FactsOf(patient);
        return absl::StrCat(facts.channel_expiry().seconds(), "s (",
                            facts.min_channel_expiry().seconds(), "s to ",
                            facts.max_channel_expiry().seconds(),
                            "s if a client asks)");
      });
}

Hits FindExpiryBounds(const Patients& patients) {
  return OfEach(patients, Severity::kNote, [](const Patient& patient) {
    const pb::GetBrokerResponse& facts = FactsOf(patient);
    const int64_t usual = facts.channel_expiry().seconds();
    const int64_t least = facts.min_channel_expiry().seconds();
    const int64_t most = facts.max_channel_expiry().seconds();
    return usual >= least && usual <= most
               ? ""
               : absl::StrCat("channel_expiry is ", usual,
                              "s, and what clients ask for is brought to ",
                              least, "s to ", most, "s");
  });
}

Hits FindNoAutoCreate(const Patients& patients) {
  return OfEach(patients, Severity::kNote, [](const Patient& patient) {
    return patient.policy.auto_create_subscription_group()
               ? ""
               : "it makes no configs of consumer groups by itself";
  });
}

Hits FindPassedOver(const Patients& patients) {
  return OfEach(patients, Severity::kWarning, [](const Patient& patient) {
    const auto& counts = FactsOf(patient).passed_over();
    if (counts.empty()) return std::string();
    return absl::StrCat(
        "groups of heartbeats were passed over since its start: ",
        absl::StrJoin(counts, ", ",
                      [](std::string* out, const pb::PassedOverGroups& groups) {
                        absl::StrAppend(
                            out, pb::SkippedGroup::Reason_Name(groups.reason()),
                            " ", groups.times(), " times");
                      }));
  });
}

Hits FindNotTold(const Patients& patients) {
  return OfEach(patients, Severity::kWarning, [](const Patient& patient) {
    return patient.policy.has_notify_consumer_ids_changed_enable() &&
                   !patient.policy.notify_consumer_ids_changed_enable()
               ? "it tells no member of a group that others come and go"
               : "";
  });
}

namespace {

// What is wrong with a broker's entry; nothing if it is as it should be.
Hits FindInRegistration(const std::string& label,
                        const pb::GetBrokerResponse& facts) {
  const pb::DiscoveryRegistration& registration = facts.registration();
  const absl::Duration lease = absl::Seconds(registration.lease().seconds());
  const absl::Duration since =
      ToTime(facts.now()) - ToTime(registration.since());
  const std::string because = registration.error().empty()
                                  ? ""
                                  : absl::StrCat(": ", registration.error());
  const std::string for_long =
      absl::FormatDuration(absl::Trunc(since, absl::Seconds(1)));
  switch (registration.state()) {
    case pb::DiscoveryRegistration::STATE_REGISTERED:
      if (registration.error().empty()) return {};
      return {{label,
               absl::StrCat("it cannot keep its entry in etcd, which goes ",
                            absl::FormatDuration(lease),
                            " after the last time that it could", because),
               Severity::kWarning}};
    case pb::DiscoveryRegistration::STATE_NOT_REGISTERED:
      return {{label,
               absl::StrCat("it is not in etcd, for ", for_long, because),
               since > lease ? Severity::kError : Severity::kNote}};
    case pb::DiscoveryRegistration::STATE_NAME_IN_USE:
      return {{label,
               absl::StrCat("it is not in etcd: another broker has its name "
                            "and id",
                            registration.holder().empty()
                                ? ""
                                : absl::StrCat(", ", registration.holder())),
               Severity::kError}};
    case pb::DiscoveryRegistration::STATE_WITHDRAWING:
      return {{label,
               absl::StrCat("it drains, and its entry is still in etcd, for ",
                            for_long, because),
               since > lease ? Severity::kWarning : Severity::kNote}};
    default: return {};
  }
}

}  // namespace

Hits FindNotInEtcd(const Patients& patients) {
  Hits hits;
  bool others_register = false;
  for (const Patient& patient : patients) {
    others_register = others_register || FactsOf(patient).has_registration();
  }
  for (const Patient& patient : patients) {
    if (FactsOf(patient).has_registration()) {
      const Hits of_it =
          FindInRegistration(patient.view.label, FactsOf(patient));
      hits.insert(hits.end(), of_it.begin(), of_it.end());
    } else if (others_register) {
      hits.push_back({patient.view.label,
                      "it does not tell of etcd, and other brokers do: it has "
                      "no --etcd, or is of an older version",
                      Severity::kWarning});
    }
  }
  return hits;
}

}  // namespace rmq::cmctl
