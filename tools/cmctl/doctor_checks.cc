#include "tools/cmctl/doctor_checks.h"

#include <algorithm>
#include <utility>

namespace rmq::cmctl {
namespace {

struct Check {
  absl::string_view name;
  absl::string_view summary;
  absl::string_view meaning;
  absl::string_view remedy;
  Hits (*find)(const Patients& patients);
};

constexpr Check kChecks[] = {
    {"plaintext", "an address that other machines reach has no TLS",
     "Who is on the way reads and changes what clients send.",
     "Give --tls_cert and --tls_key, or listen on 127.0.0.1 behind a proxy "
     "that "
     "speaks TLS.",
     FindPlaintext},
    {"anonymous",
     "other machines reach the broker, and nobody must show who he is",
     "Everybody may join any group, and take clients out.",
     "Give --auth=on with --auth_file, or --tls_client_cert=required.",
     FindAnonymous},
    {"auth-log", "--auth=log was left on", "The rules protect nothing yet.",
     "When the log shows no denial that is wrong, start the broker with "
     "--auth=on.",
     FindAuthLog},
    {"certificate", "the certificate has expired, or does within 30 days",
     "From then on no client that comes trusts the broker.",
     "Replace the files of --tls_cert and --tls_key: the broker reads them "
     "again by itself.",
     FindCertificate},
    {"settling", "the broker has started lately",
     "Members of groups may not have come back: lists may lack them.",
     "Wait. If it settles often, look why it restarts.", FindSettling},
    {"draining", "the broker drains or is drained",
     "It sends its clients away, and takes none until that is cancelled.",
     "If no restart is meant: cmctl drain --cancel.", FindDraining},
    {"subscriptions", "members of a consumer group subscribe to other things",
     "Messages go to members that do not want them, and are lost to the "
     "others.",
     "cmctl consistency GROUP shows who states what: give all members the "
     "same, "
     "or groups of their own.",
     FindSubscriptions},
    {"duplicate-ids", "several processes use one client id",
     "They get the same queues, and each message is consumed twice.",
     "cmctl duplicates shows their addresses: give each an instance name.",
     FindDuplicates},
    {"disagreement",
     "brokers do not have the same clients, groups or "
     "subscriptions",
     "A client that a broker misses gets nothing of its queues; those of "
     "members that differ are consumed twice, or not at all.",
     "cmctl status --for=3s shows where. Look whether these clients reach each "
     "broker, and know of all of them.",
     FindSomeBrokersOnly},
    {"versions", "brokers run different versions",
     "What the older one does not know does not work at it.",
     "Finish the upgrade.", FindVersions},
    {"clusters", "brokers are of different clusters",
     "Clients should connect to the brokers of one cluster.",
     "Look whether all these brokers are meant; else set --cluster.",
     FindClusters},
    {"identity", "brokers have one name and id, or one is asked twice",
     "Clients and operators take them for one another.",
     "Give each broker its own --broker_name or --broker_id.", FindIdentity},
    {"clocks", "a broker's clock is off by more than 2 s",
     "Times in its answers and logs mislead, and signatures with a date may be "
     "refused.",
     "Have this machine and the broker's set their clocks by NTP.", FindClocks},
    {"full", "half of the broker's channels, or more, are taken",
     "When another broker fails, its clients find no room here. A full broker "
     "refuses clients.",
     "Raise --max_channels, or add a broker.", FindFull},
    {"refused", "the broker has refused clients",
     "They are not in their groups, and try again.",
     "Raise --max_channels; behind a proxy, --max_channels_per_address=0.",
     FindRefused},
    {"expiry", "brokers keep silent clients for different times",
     "After a failure brokers disagree on who is there until the last of them "
     "has noticed.",
     "Start all brokers with the same --channel_expiry, --min_channel_expiry "
     "and --max_channel_expiry.",
     FindExpiry},
    {"expiry-bounds", "--channel_expiry is not within the bounds of requests",
     "A client that asks for a time of its own cannot ask for the usual one: "
     "it "
     "gets the nearest bound.",
     "Set --min_channel_expiry and --max_channel_expiry around it.",
     FindExpiryBounds},
    {"no-auto-create", "groups without a config are passed over",
     "A consumer group that the configuration does not name is not registered.",
     "Name each group in the configuration, or set "
     "--auto_create_subscription_group.",
     FindNoAutoCreate},
    {"passed-over", "groups of clients were passed over",
     "These clients run, and are not in their groups: they consume nothing.",
     "cmctl why GROUP shows which clients, and why.", FindPassedOver},
    {"not-told", "members of groups are not told of changes",
     "They notice who came and left only when they ask by themselves.",
     "Set --notify_consumer_ids_changed_enable.", FindNotTold},
    {"not-in-etcd", "clients that ask etcd do not find the broker",
     "Clients that start now do not come to it, and those that lose it do not "
     "come back.",
     "Look whether the broker reaches etcd (--etcd, --etcd_tls_ca, "
     "--etcd_user), and give each broker a name of its own (--broker_name, "
     "--broker_id): cmctl broker -o wide has etcd's words.",
     FindNotInEtcd},
};

}  // namespace

absl::string_view Name(Severity severity) {
  switch (severity) {
    case Severity::kNote: return "NOTE";
    case Severity::kWarning: return "WARNING";
    case Severity::kError: return "ERROR";
  }
  return "?";
}

std::vector<CheckInfo> AllChecks() {
  std::vector<CheckInfo> checks;
  for (const Check& check : kChecks) {
    checks.push_back({check.name, check.summary});
  }
  return checks;
}

std::vector<Finding> Diagnose(const Patients& patients) {
  Patients read;
  for (const Patient& patient : patients) {
    if (patient.view.status.ok()) read.push_back(patient);
  }
  std::vector<Finding> findings;
  for (const Check& check : kChecks) {
    for (Hit& hit : check.find(read)) {
      findings.push_back({check.name, hit.severity, std::move(hit.broker),
                          std::move(hit.what), check.meaning, check.remedy});
    }
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return a.severity > b.severity;
                   });
  return findings;
}

}  // namespace rmq::cmctl
