#include "tools/cmctl/common_options.h"

#include <cstddef>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/discovery/resolver_uri.h"
#include "tools/cmctl/named_brokers.h"

namespace rmq::cmctl {
namespace {

absl::Status CheckBroker(absl::string_view value) {
  for (const absl::string_view each : absl::StrSplit(value, ',')) {
    if (IsBrokerAddress(each) || IsBrokerName(each) ||
        IsBrokerNameAndId(each)) {
      continue;
    }
    return MustBe("--broker", "HOST:PORT, unix:PATH or the name of a broker",
                  each);
  }
  return absl::OkStatus();
}

absl::Status CheckCluster(absl::string_view value) {
  const absl::Status status = ParseResolverUri(value).status();
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("--cluster: ", status.message()));
}

absl::Status CheckBool(absl::string_view value) {
  if (value == "true" || value == "false") return absl::OkStatus();
  return MustBe("--allow_insecure_credentials", "true or false", value);
}

absl::Status SetTimeout(absl::string_view value, CommandLine* line) {
  if (!absl::ParseDuration(value, &line->timeout) ||
      line->timeout <= absl::ZeroDuration()) {
    return MustBe("--timeout", "a positive time such as 5s or 500ms", value);
  }
  return absl::OkStatus();
}

struct OutputName {
  absl::string_view name;
  OutputFormat output;
};
constexpr OutputName kOutputs[] = {
    {"table", OutputFormat::kTable}, {"json", OutputFormat::kJson},
    {"yaml", OutputFormat::kYaml},   {"wide", OutputFormat::kWide},
    {"name", OutputFormat::kName},
};

// The first so many of kOutputs that the command can print.
size_t OutputsOf(const Command& command) {
  if (command.forms == Forms::kAsIs) return 0;
  if (command.run == nullptr && command.run_on_all == nullptr) return 2;
  return command.forms == Forms::kText ? 3 : 5;
}

absl::Status SetOutput(absl::string_view value, CommandLine* line) {
  std::vector<std::string> names;
  for (size_t i = 0; i < OutputsOf(*line->command); ++i) {
    names.emplace_back(kOutputs[i].name);
    if (kOutputs[i].name != value) continue;
    line->output = kOutputs[i].output;
    return absl::OkStatus();
  }
  return MustBe("--output", Alternatives(names), value);
}

absl::Status SetSort(absl::string_view value, CommandLine* line) {
  line->sort = std::string(value);
  return absl::OkStatus();
}

constexpr CommonOption kCommonOptions[] = {
    {"broker", 0, "HOST:PORT|NAME",
     "the broker to ask (127.0.0.1:10911): its address,\nunix:PATH, or a name "
     "in the file of brokers. Several,\nwith commas or given several times: "
     "all are asked.\nBeside --cluster: a broker of it, as broker-a or "
     "broker-a:0",
     nullptr, true, CheckBroker},
    {"cluster", 0, "RESOLVER",
     "ask all brokers of etcd:///CLUSTER, dns:///NAME:PORT,\nfile:///PATH or "
     "static:///A,B",
     nullptr, true, CheckCluster},
    {"etcd", 0, "HOST:PORT,...", "where etcd is", nullptr, true, nullptr},
    {"etcd_prefix", 0, "PREFIX",
     "what etcd's keys begin with\n(/rocketmq-client-manager)", nullptr, true,
     nullptr},
    {"etcd_tls_ca", 0, "FILE|system",
     "ask etcd over TLS, and trust these authorities", nullptr, true, nullptr},
    {"etcd_tls_cert", 0, "FILE", "ask etcd over TLS, with this certificate",
     nullptr, true, nullptr},
    {"etcd_tls_key", 0, "FILE", "its private key", nullptr, true, nullptr},
    {"etcd_tls_server_name", 0, "NAME",
     "ask etcd over TLS, and expect this name", nullptr, true, nullptr},
    {"etcd_user", 0, "USER", "who asks etcd", nullptr, true, nullptr},
    {"etcd_password_file", 0, "FILE",
     "the user's password, which its owner alone may read", nullptr, true,
     nullptr},
    {"output", 'o', "table|wide|json|yaml|name",
     "what to print (table). JSON is protobuf's: 64-bit\nnumbers are strings, "
     "times are RFC 3339; YAML has\nthe same. wide: with more columns. name: "
     "names alone,\none a line",
     SetOutput, false, nullptr},
    {"sort", 0, "[-]COLUMN",
     "sort the rows by that column, as client-id; with -\nthe other way round",
     SetSort, false, nullptr},
    {"timeout", 0, "TIME", "how long to wait for the answer (5s)", SetTimeout,
     true, nullptr},
    {"tls_ca", 0, "FILE|system",
     "ask over TLS, and trust these authorities, or\nthose of the system",
     nullptr, true, nullptr},
    {"tls_cert", 0, "FILE", "ask over TLS, with this certificate", nullptr,
     true, nullptr},
    {"tls_key", 0, "FILE", "the certificate's private key", nullptr, true,
     nullptr},
    {"tls_server_name", 0, "NAME",
     "ask over TLS, and expect a certificate of this\nname, not of HOST",
     nullptr, true, nullptr},
    {"credentials_file", 0, "FILE",
     "say who asks: a file with access_key: \"...\"\nsecret_key: \"...\"",
     nullptr, true, nullptr},
    {"allow_insecure_credentials", 0, "true|false",
     "without TLS, send credentials beyond this machine\ntoo (false)", nullptr,
     true, CheckBool},
    {"config", 0, "FILE", "the file of brokers (~/.config/rocketmq/brokers)",
     nullptr, true, nullptr},
};

// Of commands with Command::follow.
constexpr absl::string_view kFollowTimeoutHelp =
    "how long the command may take (no limit)";

}  // namespace

absl::Status MustBe(absl::string_view option, absl::string_view rule,
                    absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " must be ", rule, ", got \"", got, "\""));
}

std::string Alternatives(const std::vector<std::string>& words) {
  return absl::StrCat(absl::StrJoin(words.begin(), words.end() - 1, ", "),
                      " or ", words.back());
}

absl::Span<const CommonOption> CommonOptions() { return kCommonOptions; }

const CommonOption* FindCommonOption(absl::string_view name) {
  for (const CommonOption& option : kCommonOptions) {
    if (option.name == name || (name.size() == 1 && option.letter == name[0])) {
      return &option;
    }
  }
  return nullptr;
}

absl::Status SetCommon(const CommonOption& option, absl::string_view value,
                       CommandLine* line) {
  if (option.set != nullptr) return option.set(value, line);
  if (option.check != nullptr) {
    const absl::Status status = option.check(value);
    if (!status.ok()) return status;
  }
  std::string& given = line->connection[std::string(option.name)];
  if (option.name == "broker" && !given.empty()) {
    absl::StrAppend(&given, ",", value);
  } else {
    given = std::string(value);
  }
  return absl::OkStatus();
}

absl::Status CheckSort(const CommandLine& line) {
  if (line.sort.empty() || line.output == OutputFormat::kTable ||
      line.output == OutputFormat::kWide ||
      line.output == OutputFormat::kName) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "--sort needs --output table, wide or name: JSON and YAML have what the "
      "broker answers, in its order");
}

bool IsOptionOf(const CommonOption& option, const Command* command) {
  if (command == nullptr) return true;
  if (option.set == SetOutput) return OutputsOf(*command) > 0;
  if (option.set == SetSort) return OutputsOf(*command) == std::size(kOutputs);
  return command->run_locally == nullptr || !option.is_of_broker ||
         (command->has_config && option.name == "config");
}

std::string ValuesOf(const CommonOption& option, const Command* command) {
  if (command == nullptr || option.set != SetOutput) {
    return std::string(option.values);
  }
  std::vector<absl::string_view> names;
  for (size_t i = 0; i < OutputsOf(*command); ++i) {
    names.push_back(kOutputs[i].name);
  }
  return absl::StrJoin(names, "|");
}

std::string HelpOfOption(const CommonOption& option, const Command* command) {
  return std::string(command != nullptr && command->follow != nullptr &&
                             command->run == nullptr && option.set == SetTimeout
                         ? kFollowTimeoutHelp
                         : option.help);
}

}  // namespace rmq::cmctl
