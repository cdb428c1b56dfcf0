#include "tools/cmctl/config_commands.h"

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tools/cmctl/broker_connection.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/named_brokers.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

constexpr int kOk = 0;
// The file cannot be read or written, is wrong, or does not have the broker.
constexpr int kError = 1;

absl::Status CheckUsage(const CommandLine& line) {
  const std::string& what = line.value("what");
  const size_t names = line.list("names").size();
  if (what == "list" && names == 0) return absl::OkStatus();
  if (what == "use" && names == 1) return absl::OkStatus();
  if (what == "list" || what == "use") {
    return absl::InvalidArgumentError(
        absl::StrCat("config ", what, " takes ",
                     what == "list" ? "no further argument" : "one NAME",
                     "; see cmctl help config"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("config takes list or use, got \"", EscapeControls(what),
                   "\"; see cmctl help config"));
}

std::string SecurityOf(const NamedBroker& broker) {
  const bool is_tls = !(broker.tls_ca() + broker.tls_cert() + broker.tls_key() +
                        broker.tls_server_name())
                           .empty();
  if (!is_tls) return "plaintext";
  return broker.tls_cert().empty() ? "TLS" : "TLS, with a certificate";
}

int List(const CommandLine& line, const std::string& file, std::ostream& out,
         std::ostream& err) {
  const absl::StatusOr<NamedBrokers> brokers = ReadNamedBrokers(file);
  if (!brokers.ok()) {
    err << EscapeControls(brokers.status().message()) << "\n";
    return kError;
  }
  if (line.output == OutputFormat::kJson) {
    out << JsonObject(JsonMembersOf(*brokers));
    return kOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"USED", "NAME", "ADDRESS", "SECURITY", "CREDENTIALS"}};
  for (const NamedBroker& broker : brokers->brokers()) {
    const std::string& credentials = broker.credentials_file();
    rows.push_back(
        {broker.name() == brokers->use() ? "*" : "", broker.name(),
         EscapeControls(broker.address()), SecurityOf(broker),
         credentials.empty() ? "none" : EscapeControls(credentials)});
  }
  out << AlignColumns(rows);
  return kOk;
}

int ListOrUse(const CommandLine& line, std::ostream& out, std::ostream& err) {
  const std::string file = ConfigFile(line, ProcessEnvironment());
  if (file.empty()) {
    err << "which file? Give --config\n";
    return kError;
  }
  if (line.value("what") == "list") return List(line, file, out, err);
  const absl::Status status = UseBroker(file, line.list("names")[0]);
  if (status.ok()) return kOk;
  err << EscapeControls(status.message()) << "\n";
  return kError;
}

}  // namespace

std::vector<Command> ConfigCommands() {
  Command config = {
      "config",
      {{"list|use", "what"}},
      "the brokers that cmctl knows by name",
      "config list shows the brokers of the file, and which one is asked "
      "where\n"
      "no --broker is given. config use NAME makes it that one. The file is\n"
      "text:\n\n"
      "  use: \"prod\"\n"
      "  brokers {\n"
      "    name: \"prod\"\n"
      "    address: \"broker-1.example.com:10911\"\n"
      "    tls_ca: \"ca.pem\"  # Beside this file; or system.\n"
      "    tls_cert: \"me.pem\"\n"
      "    tls_key: \"me-key.pem\"\n"
      "    credentials_file: \"prod-credentials\"\n"
      "  }\n"
      "  brokers { name: \"test\" address: \"127.0.0.1:10911\" }\n\n"
      "Exits with 0, or 1 if the file is wrong or does not have NAME.",
      {}};
  config.more_arguments = {"NAME", "names"};
  config.check = CheckUsage;
  config.has_config = true;
  config.run_locally = ListOrUse;
  return {config};
}

}  // namespace rmq::cmctl
