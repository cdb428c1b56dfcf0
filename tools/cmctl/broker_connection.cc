#include "tools/cmctl/broker_connection.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/make_resolver.h"
#include "client/discovery/resolver_source.h"
#include "client/discovery/resolver_uri.h"
#include "common/security/client_security.h"
#include "common/security/credentials.h"
#include "common/validation.h"
#include "tools/cmctl/broker_label.h"
#include "tools/cmctl/named_brokers.h"

namespace rmq::cmctl {
namespace {

// A path as the user means it: `bazel run` starts a program elsewhere.
std::string FromHere(const std::string& path, const Environment& environment) {
  const std::string folder = environment("BUILD_WORKING_DIRECTORY");
  if (path.empty() || path.front() == '/' || folder.empty() ||
      path == kSystemAuthorities) {
    return path;
  }
  return absl::StrCat(folder, "/", path);
}

std::string VariableOf(const std::string& option) {
  return absl::StrCat("RMQ_", absl::AsciiStrToUpper(option));
}

// What the option or its variable says; "" for nothing.
std::string Given(const std::string& option, const CommandLine& line,
                  const Environment& environment) {
  const auto found = line.connection.find(option);
  if (found != line.connection.end()) return found->second;
  return environment(VariableOf(option));
}

absl::StatusOr<NamedBrokers> ReadConfig(const CommandLine& line,
                                        const Environment& environment) {
  const std::string path = ConfigFile(line, environment);
  if (path.empty()) return NamedBrokers();
  absl::StatusOr<NamedBrokers> brokers = ReadNamedBrokers(path);
  const bool is_asked_for = !Given("config", line, environment).empty();
  // Without it the options do.
  if (absl::IsNotFound(brokers.status()) && !is_asked_for) {
    return NamedBrokers();
  }
  if (!brokers.ok()) {
    return absl::InvalidArgumentError(brokers.status().message());
  }
  return brokers;
}

// The broker that `asked` names, an address or a name in the file.
absl::StatusOr<BrokerTarget> FindTarget(const std::string& asked,
                                        const NamedBrokers& brokers,
                                        const CommandLine& line,
                                        const Environment& environment) {
  NamedBroker broker;
  if (IsBrokerAddress(asked)) {
    broker.set_address(asked);
  } else {
    const NamedBroker* const found = FindBroker(brokers, asked);
    if (found == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--broker must be HOST:PORT, unix:PATH, or the name of a broker in ",
          ConfigFile(line, environment), ", got ", Quoted(asked)));
    }
    broker = *found;
  }
  const auto file = [&](const std::string& option, const std::string& named) {
    const std::string given = Given(option, line, environment);
    return given.empty() ? named : FromHere(given, environment);
  };
  const auto text = [&](const std::string& option, const std::string& named) {
    const std::string given = Given(option, line, environment);
    return given.empty() ? named : given;
  };
  BrokerTarget target;
  target.label = asked;
  target.address = broker.address();
  AdminClientOptions& security = target.security;
  security.tls = TlsOfFlags(file("tls_ca", broker.tls_ca()),
                            file("tls_cert", broker.tls_cert()),
                            file("tls_key", broker.tls_key()),
                            text("tls_server_name", broker.tls_server_name()));
  if (security.tls.has_value() &&
      security.tls->cert_file.empty() != security.tls->key_file.empty()) {
    return absl::InvalidArgumentError(
        "--tls_cert and --tls_key must be given together, got one of them");
  }
  const std::string credentials =
      file("credentials_file", broker.credentials_file());
  if (!credentials.empty()) {
    security.credentials = Credentials{"", "", credentials};
  }
  const std::string allow =
      text("allow_insecure_credentials",
           broker.allow_insecure_credentials() ? "true" : "false");
  if (allow != "true" && allow != "false") {
    return absl::InvalidArgumentError(
        absl::StrCat("--allow_insecure_credentials must be true or false, got ",
                     Quoted(allow)));
  }
  security.allow_insecure_credentials = allow == "true";
  ClientSecurityNames names;
  names.tls = "--tls_ca";
  names.allow_insecure_credentials = "--allow_insecure_credentials=true";
  const absl::Status status = ValidateClientSecurity(
      security.tls, security.credentials, security.allow_insecure_credentials,
      {target.address}, /*brokers_may_come=*/false, names);
  if (!status.ok()) return status;
  return target;
}

// Whether a command may ask so many brokers, which `option` names.
absl::Status CheckCount(absl::string_view option, size_t count) {
  if (count > kMostBrokers) {
    return absl::InvalidArgumentError(absl::StrCat(
        option, " must name at most ", kMostBrokers, " brokers, got ", count));
  }
  return absl::OkStatus();
}

// Those of a cluster's brokers that the user has picked, each by its name, its
// name and id, or its address: NotFound if one is not there.
absl::StatusOr<std::vector<BrokerEntry>> Pick(
    const std::vector<BrokerEntry>& brokers,
    const std::vector<std::string>& picked, const std::string& cluster) {
  std::vector<BrokerEntry> found;
  for (const std::string& name : picked) {
    const size_t before = found.size();
    for (const BrokerEntry& broker : brokers) {
      if (name != BrokerLabel(broker) && name != broker.name &&
          name != broker.address) {
        continue;
      }
      if (std::find(found.begin(), found.end(), broker) != found.end()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--broker names ", BrokerLabel(broker), " twice"));
      }
      found.push_back(broker);
    }
    if (found.size() > before) continue;
    std::vector<std::string> labels;
    for (const BrokerEntry& broker : brokers) {
      labels.push_back(BrokerLabel(broker));
    }
    return absl::NotFoundError(absl::StrCat(
        cluster, " lists no broker ", Quoted(name), " at present, but ",
        absl::StrJoin(labels, ", "),
        "; one that drains, or is down, is asked by its address alone"));
  }
  return found;
}

// How long the source of a cluster is waited for by a command without a limit.
constexpr absl::Duration kLongestWait = absl::Seconds(5);

// How the source of a cluster is asked.
DiscoveryOptions DiscoveryOptionsOf(const CommandLine& line,
                                    const Environment& environment,
                                    bool brokers_have_tls) {
  const auto text = [&](const std::string& option) {
    return Given(option, line, environment);
  };
  const auto file = [&](const std::string& option) {
    return FromHere(text(option), environment);
  };
  DiscoveryOptions options;
  options.etcd_endpoints = absl::StrSplit(text("etcd"), ',', absl::SkipEmpty());
  const std::string prefix = text("etcd_prefix");
  if (!prefix.empty()) options.etcd_prefix = prefix;
  options.etcd_tls =
      TlsOfFlags(file("etcd_tls_ca"), file("etcd_tls_cert"),
                 file("etcd_tls_key"), text("etcd_tls_server_name"));
  options.etcd_user = text("etcd_user");
  options.etcd_password_file = file("etcd_password_file");
  options.etcd_broker_tls = brokers_have_tls;
  return options;
}

// `picked`: those that are asked; empty: all.
absl::Status FindCluster(const std::string& cluster,
                         const std::vector<std::string>& picked,
                         const Environment& environment, CommandLine* line) {
  // Whether the options ask for TLS.
  const absl::StatusOr<BrokerTarget> any =
      FindTarget("localhost:1", NamedBrokers(), *line, environment);
  if (!any.ok()) return any.status();
  const DiscoveryOptions options =
      DiscoveryOptionsOf(*line, environment, any->security.tls.has_value());
  const absl::StatusOr<ResolverUri> uri = ParseResolverUri(cluster);
  const auto resolver =
      uri.ok() ? MakeResolver(*uri, options)
               : absl::StatusOr<std::shared_ptr<ResolverSource>>(uri.status());
  if (!resolver.ok()) {
    return absl::Status(
        resolver.status().code(),
        absl::StrCat("--cluster: ", resolver.status().message()));
  }
  auto brokers =
      AwaitBrokers(resolver->get(), std::min(line->timeout, kLongestWait));
  if (!brokers.ok()) {
    const absl::StatusCode code = brokers.status().code();
    return absl::Status(
        code == absl::StatusCode::kInvalidArgument
            ? absl::StatusCode::kFailedPrecondition
            : code,
        absl::StrCat("the brokers of ", cluster,
                     " are not known: ", brokers.status().message(),
                     "; --broker=HOST:PORT asks one without it"));
  }
  if (brokers->empty()) {
    return absl::NotFoundError(
        absl::StrCat(cluster, " names no broker at present"));
  }
  if (!picked.empty()) {
    brokers = Pick(*brokers, picked, cluster);
    if (!brokers.ok()) return brokers.status();
  }
  const absl::Status count = CheckCount("--cluster", brokers->size());
  if (!count.ok()) return count;
  std::vector<BrokerTarget> targets;
  for (const BrokerEntry& broker : *brokers) {
    absl::StatusOr<BrokerTarget> target =
        FindTarget(broker.address, NamedBrokers(), *line, environment);
    if (!target.ok()) return target.status();
    target->label = BrokerLabel(broker);
    // The certificates of a DNS name's addresses are of the name.
    if (target->security.tls.has_value() &&
        target->security.tls->server_name.empty()) {
      target->security.tls->server_name = ServerNameOf(*uri);
    }
    targets.push_back(*std::move(target));
  }
  line->brokers = std::move(targets);
  line->source = *resolver;
  // In plain text, credentials go to no broker that is not known yet.
  const AdminClientOptions& security = any->security;
  if (picked.empty() &&
      (!security.credentials.has_value() || security.tls.has_value() ||
       security.allow_insecure_credentials)) {
    line->cluster = *resolver;
  }
  return absl::OkStatus();
}

// Whether each of the brokers can be asked without a cluster that lists it.
bool AreKnown(const std::vector<std::string>& asked,
              const NamedBrokers& brokers) {
  return std::all_of(asked.begin(), asked.end(), [&](const std::string& one) {
    return IsBrokerAddress(one) || FindBroker(brokers, one) != nullptr;
  });
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
}

std::string ConfigFile(const CommandLine& line,
                       const Environment& environment) {
  const std::string given = Given("config", line, environment);
  if (!given.empty()) return FromHere(given, environment);
  constexpr absl::string_view kName = "rocketmq/brokers";
  const std::string folder = environment("XDG_CONFIG_HOME");
  if (!folder.empty()) return absl::StrCat(folder, "/", kName);
  const std::string home = environment("HOME");
  return home.empty() ? "" : absl::StrCat(home, "/.config/", kName);
}

absl::Status FindConnection(const Environment& environment, CommandLine* line) {
  std::string asked = Given("broker", *line, environment);
  const std::string cluster = Given("cluster", *line, environment);
  const bool are_picked = line->connection.count("broker") > 0;
  const std::vector<std::string> picked =
      are_picked ? absl::StrSplit(asked, ',') : std::vector<std::string>();
  if (!cluster.empty() &&
      (!are_picked || line->connection.count("cluster") > 0)) {
    return FindCluster(cluster, picked, environment, line);
  }
  // Addresses need no file, and no cluster that the environment names.
  absl::StatusOr<NamedBrokers> brokers = NamedBrokers();
  if (!AreKnown(absl::StrSplit(asked, ','), *brokers)) {
    brokers = ReadConfig(*line, environment);
    if (!brokers.ok()) return brokers.status();
  }
  if (!cluster.empty() && !AreKnown(picked, *brokers)) {
    return FindCluster(cluster, picked, environment, line);
  }
  if (asked.empty()) asked = brokers->use();
  if (asked.empty()) asked = line->broker().address;
  const std::vector<std::string> each = absl::StrSplit(asked, ',');
  const absl::Status count = CheckCount("--broker", each.size());
  if (!count.ok()) return count;
  std::vector<BrokerTarget> targets;
  for (const std::string& one : each) {
    absl::StatusOr<BrokerTarget> target =
        FindTarget(one, *brokers, *line, environment);
    if (!target.ok()) return target.status();
    for (const BrokerTarget& other : targets) {
      if (other.address != target->address) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("--broker names ", other.address, " twice"));
    }
    targets.push_back(*std::move(target));
  }
  line->brokers = std::move(targets);
  return absl::OkStatus();
}

}  // namespace rmq::cmctl
