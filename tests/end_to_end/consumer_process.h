// One consumer as a process of its own, by the client library's example.
#ifndef TESTS_END_TO_END_CONSUMER_PROCESS_H_
#define TESTS_END_TO_END_CONSUMER_PROCESS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/end_to_end/child_process.h"

namespace rmq {

class ConsumerProcess {
 public:
  static absl::StatusOr<std::unique_ptr<ConsumerProcess>> Start(
      absl::string_view broker, absl::string_view group,
      absl::string_view client_id, std::vector<std::string> environment = {});

  // The members of its group, sorted, as it last printed them; none if it has
  // not yet. It prints them when the broker pushes a change, or it has
  // (re)connected.
  std::vector<std::string> Members() const;
  // How often it came to be registered at the broker.
  int TimesOnline() const;

  ChildProcess& process() { return *process_; }

 private:
  explicit ConsumerProcess(std::unique_ptr<ChildProcess> process)
      : process_(std::move(process)) {}

  const std::unique_ptr<ChildProcess> process_;
};

}  // namespace rmq

#endif  // TESTS_END_TO_END_CONSUMER_PROCESS_H_
