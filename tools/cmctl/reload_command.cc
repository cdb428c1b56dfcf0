#include "tools/cmctl/reload_command.h"

#include <algorithm>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/real_clock.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/exit_codes.h"
#include "tools/cmctl/look_up.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// Between two looks at how the load goes.
constexpr absl::Duration kLook = absl::Milliseconds(50);

const pb::ReloadConfigResponse& AsResponse(
    const google::protobuf::Message& message) {
  return static_cast<const pb::ReloadConfigResponse&>(message);
}

absl::StatusOr<Answer> Reload(const CommandLine& line, const Ask& ask,
                              const TableTime& time) {
  static const View& view =
      *new View(InTable({"files",
                         {{"FILES", "name"},
                          {"LOADS", "loads"},
                          {"FAILURES", "failures"},
                          {"ERROR", "error"}},
                         "the broker has no such files"}));
  const absl::Time end = RealClock().TimeNow() + line.timeout;
  auto response = ask(pb::ReloadConfigRequest());
  pb::ReloadConfigRequest show;
  show.set_show_only(true);
  if (response.ok() && !AsResponse(**response).pending()) {
    // An older broker, which tells how the files were before the load, and
    // takes this for another.
    absl::SleepFor(kLook);
    response = ask(show);
  }
  while (response.ok() && AsResponse(**response).pending()) {
    const absl::Duration left = end - RealClock().TimeNow();
    if (left <= absl::ZeroDuration()) break;
    absl::SleepFor(std::min(kLook, left));
    response = ask(show);
  }
  if (!response.ok()) return response.status();
  const pb::ReloadConfigResponse& loaded = AsResponse(**response);
  Answer answer;
  if (IsForPrograms(line)) {
    answer.json = ArgumentsAsJson(line, &loaded);
    Append(JsonMembersOf(loaded), &answer.json);
  } else {
    answer.parts = view(line, loaded, time);
  }
  if (loaded.pending()) {
    answer.errors.push_back(
        "the files are being read still: ask again, or see the broker's log");
    answer.exit_code = kExitError;
  }
  for (const pb::LoadedFiles& files : loaded.files()) {
    if (!files.error().empty()) answer.exit_code = kExitError;
  }
  return answer;
}

}  // namespace

Command ReloadCommand() {
  return {"reload",
          {},
          "have the files of rules and certificates read again",
          "Has the broker read its files of rules and certificates again, "
          "which it does by\nitself within two seconds of a change, and shows "
          "how that went. The exit code is 0\nif all of them were taken, 1 if "
          "some were not: what was read before stays.",
          {},
          Reload};
}

}  // namespace rmq::cmctl
