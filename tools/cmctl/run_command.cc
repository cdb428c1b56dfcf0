#include "tools/cmctl/run_command.h"

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "google/protobuf/message.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/answer_view.h"
#include "tools/cmctl/ask_brokers.h"
#include "tools/cmctl/broker_connection.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

using google::protobuf::Message;

constexpr absl::string_view kCannotWrite =
    "the answer cannot be written to the output\n";

void ShowError(const absl::Status& status, std::ostream& err) {
  err << EscapeControls(status.message())
      << (absl::IsDeadlineExceeded(status) ? " (see --timeout)\n" : "\n");
}

TableTime Now() { return {absl::Now(), absl::LocalTimeZone()}; }

// How long a broker may take to answer a command that follows.
constexpr absl::Duration kAnswerTime = absl::Seconds(5);

// Each question has its time, and a connection, of its own: the command may
// have asked the last one hours ago.
Ask AskAlone(const BrokerTarget& target) {
  return
      [target](
          const Message& request) -> absl::StatusOr<std::unique_ptr<Message>> {
        auto client =
            AdminClient::Create(target.address, kAnswerTime, target.security);
        if (!client.ok()) return client.status();
        return (*client)->Ask(request);
      };
}

int RunFollow(const CommandLine& line, const Console& console,
              std::ostream& out, std::ostream& err) {
  console.catch_interrupts();
  const auto goes_on = [&] {
    return console.interrupted_by() == 0 && out.good();
  };
  const auto exit_code = [&] {
    const int signal = console.interrupted_by();
    if (signal != 0) return kExitSignalled + signal;
    return out.good() ? kExitOk : kExitError;
  };
  // The streams of a broker share the command's limit.
  std::vector<std::unique_ptr<AdminClient>> clients;
  std::vector<FollowedBroker> brokers;
  for (const BrokerTarget& target : line.brokers) {
    auto made =
        AdminClient::Create(target.address, line.timeout, target.security);
    if (!made.ok()) {
      ShowError(made.status(), err);
      return kExitError;
    }
    clients.push_back(*std::move(made));
    AdminClient* const client = clients.back().get();
    const Stream stream =
        [client, goes_on](
            const Message& request,
            const std::function<bool(const Message&)>& on_response) {
          bool is_enough = false;
          return client->Stream(
              request,
              [&](const Message& response) {
                is_enough = !on_response(response);
              },
              [&] { return !is_enough && goes_on(); });
        };
    const auto ask_at = [target](const std::string& address) {
      BrokerTarget moved = target;
      moved.address = address;
      return AskAlone(moved);
    };
    brokers.push_back({target, stream, AskAlone(target), ask_at});
  }
  const absl::Status status =
      line.command->follow(line, brokers,
                           {out, console.is_terminal, console.columns,
                            console.rows, goes_on, Now, exit_code});
  out << std::flush;
  if (console.interrupted_by() != 0) return exit_code();
  if (!out.good()) {
    err << kCannotWrite;
    return kExitError;
  }
  if (status.ok()) return kExitOk;
  ShowError(status, err);
  return kExitError;
}

int RunLookUp(const CommandLine& line, std::ostream& out, std::ostream& err) {
  absl::StatusOr<Answer> answer = AskBrokers(line, Now());
  if (!answer.ok()) {
    ShowError(answer.status(), err);
    return kExitError;
  }
  for (const std::string& error : answer->errors) {
    err << EscapeControls(error) << "\n";
  }
  if (!line.sort.empty() && !answer->parts.empty()) {
    const absl::Status sorted = SortRows(line.sort, &*answer);
    if (!sorted.ok()) {
      err << sorted.message() << "\n";
      return kExitUsage;
    }
  }
  out << ShowAnswer(*answer, line.output);
  return answer->exit_code;
}

}  // namespace

int RunCommand(const std::vector<std::string>& arguments, std::ostream& out,
               std::ostream& err, const Console& console,
               const std::vector<Command>& commands,
               const Environment& environment) {
  absl::StatusOr<CommandLine> line = ParseCommandLine(arguments, commands);
  absl::Status status = line.status();
  if (status.ok() && line->command != nullptr &&
      line->command->run_locally == nullptr) {
    status = FindConnection(environment, &*line);
    if (status.ok() && line->command->check_brokers != nullptr) {
      status = line->command->check_brokers(*line);
    }
  }
  if (!status.ok()) {
    err << status.message() << "\n";
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitError;
  }
  int code = kExitOk;
  if (line->command == nullptr) {
    out << line->text;
  } else if (line->command->run_locally != nullptr) {
    code = line->command->run_locally(*line, out, err);
  } else if (Follows(*line)) {
    return RunFollow(*line, console, out, err);
  } else {
    code = RunLookUp(*line, out, err);
  }
  out << std::flush;
  if (out.good()) return code;
  err << kCannotWrite;
  return kExitError;
}

}  // namespace rmq::cmctl
