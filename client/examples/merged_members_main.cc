// Joins a consumer group at several brokers, and prints one list of its members
// by a rule, with the brokers that do not answer, whenever either changes:
//
//   bazel run //client/examples:merged_members -- --group=orders
//   --resolver=static:///127.0.0.1:10911,127.0.0.1:10912 --rule=majority
//
// SIGINT or SIGTERM: leaves the group and ends.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/examples/security_flags.h"
#include "client/examples/wait_for_signal.h"
#include "client/merged_membership.h"
#include "glog/logging.h"

ABSL_FLAG(std::string, resolver, "static:///127.0.0.1:10911",
          "lists the brokers: static:///HOST:PORT,..., file:///PATH, "
          "dns:///NAME:PORT or etcd:///CLUSTER");
ABSL_FLAG(std::string, group, "", "the consumer group to join; required");
ABSL_FLAG(std::string, rule, "union",
          "who is a member: who is at one broker that answers (union), at all "
          "(intersection), or at more than half (majority)");

namespace {

bool ToRule(absl::string_view name, rmq::MergeRule* rule) {
  for (rmq::MergeRule known :
       {rmq::MergeRule::kUnion, rmq::MergeRule::kIntersection,
        rmq::MergeRule::kMajority}) {
    if (name != rmq::Name(known)) continue;
    *rule = known;
    return true;
  }
  return false;
}

std::string Line(const rmq::MergedMembers& merged) {
  const auto absent = [](std::string* out, const rmq::AbsentBroker& broker) {
    absl::StrAppend(out, broker.broker.address, " ", Name(broker.reason));
  };
  return absl::StrCat("members=", merged.members.size(), " [",
                      absl::StrJoin(merged.members, ", "),
                      "] answering=", merged.answering.size(), " absent=[",
                      absl::StrJoin(merged.absent, ", ", absent),
                      "] disputed=[", absl::StrJoin(merged.disputed, ", "),
                      "]");
}

int Run() {
  rmq::examples::BlockTerminationSignals();
  rmq::MergeRule rule;
  if (!ToRule(absl::GetFlag(FLAGS_rule), &rule)) {
    std::cerr << "--rule must be union, intersection or majority, got \""
              << absl::GetFlag(FLAGS_rule) << "\"" << std::endl;
    return 1;
  }
  // Both are used in the callbacks only, which run one at a time.
  rmq::MergedMembership membership(absl::GetFlag(FLAGS_group), rule);
  std::string last;
  const auto print = [&] {
    const std::string line = Line(membership.Members());
    if (std::exchange(last, line) != line) std::cout << line << std::endl;
  };

  rmq::ClientOptions options;
  options.resolver = absl::GetFlag(FLAGS_resolver);
  options.tls = rmq::examples::TlsOfFlags();
  options.credentials = rmq::examples::CredentialsOfFlags();
  options.on_membership_changed = [&](const rmq::MembershipChange& change) {
    membership.Update(change);
    print();
  };
  options.on_broker_health_changed = [&](const rmq::BrokerHealth& health) {
    membership.Update(health);
    print();
  };
  absl::StatusOr<std::unique_ptr<rmq::Client>> client =
      rmq::Client::Create(std::move(options));
  if (!client.ok()) {
    std::cerr << client.status().message() << std::endl;
    return 1;
  }
  rmq::ConsumerOptions consumer;
  consumer.group = absl::GetFlag(FLAGS_group);
  absl::Status status = (*client)->RegisterConsumer(std::move(consumer));
  if (status.ok()) status = (*client)->Start();
  if (!status.ok()) {
    std::cerr << status.message() << std::endl;
    return 1;
  }
  rmq::examples::WaitForTerminationSignal();
  return (*client)->Shutdown(absl::Seconds(3)).ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "joins a consumer group at several brokers and prints one list of its "
      "members\n"
      "  merged_members --resolver=dns:///brokers.example.com:10911 "
      "--group=orders --rule=majority");
  absl::ParseCommandLine(argc, argv);
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  return Run();
}
