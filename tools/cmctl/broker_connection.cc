#include "tools/cmctl/broker_connection.h"

#include <cstdlib>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/security/client_security.h"
#include "common/security/credentials.h"
#include "common/validation.h"
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
  const absl::StatusOr<NamedBrokers> brokers = ReadConfig(*line, environment);
  if (!brokers.ok()) return brokers.status();
  std::string asked = Given("broker", *line, environment);
  if (asked.empty()) asked = brokers->use();
  NamedBroker broker;
  if (IsBrokerAddress(asked)) {
    broker.set_address(asked);
  } else if (!asked.empty()) {
    const NamedBroker* const found = FindBroker(*brokers, asked);
    if (found == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--broker must be HOST:PORT, unix:PATH, or the name of a broker in ",
          ConfigFile(*line, environment), ", got ", Quoted(asked)));
    }
    broker = *found;
  }
  if (!broker.address().empty()) line->broker = broker.address();

  const auto file = [&](const std::string& option, const std::string& named) {
    const std::string given = Given(option, *line, environment);
    return given.empty() ? named : FromHere(given, environment);
  };
  const auto text = [&](const std::string& option, const std::string& named) {
    const std::string given = Given(option, *line, environment);
    return given.empty() ? named : given;
  };
  AdminClientOptions& security = line->security;
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
  return ValidateClientSecurity(
      security.tls, security.credentials, security.allow_insecure_credentials,
      {line->broker}, /*brokers_may_come=*/false, names);
}

}  // namespace rmq::cmctl
