#include "tests/end_to_end/consumer_process.h"

#include <cstddef>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace rmq {

absl::StatusOr<std::unique_ptr<ConsumerProcess>> ConsumerProcess::Start(
    absl::string_view broker, absl::string_view group,
    absl::string_view client_id, std::vector<std::string> environment) {
  ChildProcess::Options options;
  options.environment = std::move(environment);
  options.command = {RunfilePath("client/examples/consumer"),
                     absl::StrCat("--broker=", broker),
                     absl::StrCat("--group=", group),
                     absl::StrCat("--client_id=", client_id)};
  absl::StatusOr<std::unique_ptr<ChildProcess>> process =
      ChildProcess::Start(std::move(options));
  if (!process.ok()) return process.status();
  return std::unique_ptr<ConsumerProcess>(
      new ConsumerProcess(*std::move(process)));
}

std::vector<std::string> ConsumerProcess::Members() const {
  // The last whole line ends with "[a, b]\n".
  const std::string out = process_->out();
  const size_t end = out.rfind("]\n");
  if (end == std::string::npos) return {};
  const size_t begin = out.rfind('[', end) + 1;
  return absl::StrSplit(out.substr(begin, end - begin), ", ",
                        absl::SkipEmpty());
}

int ConsumerProcess::TimesOnline() const {
  // From its log.
  constexpr absl::string_view kKey = " reconnects=";
  const std::string err = process_->err();
  absl::string_view log = err;
  int reconnects = -1;
  const size_t found = log.rfind(kKey);
  if (found != absl::string_view::npos) {
    log.remove_prefix(found + kKey.size());
    (void)absl::SimpleAtoi(log.substr(0, log.find_first_of(" \n")),
                           &reconnects);
  }
  return reconnects + 1;
}

}  // namespace rmq
