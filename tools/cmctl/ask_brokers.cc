#include "tools/cmctl/ask_brokers.h"

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/admin/admin_client.h"
#include "google/protobuf/message.h"
#include "tools/cmctl/exit_codes.h"

namespace rmq::cmctl {
namespace {

using google::protobuf::Message;

// Asks the broker; if it cannot even be called, each question has that error.
Ask AskOf(const BrokerTarget& target, absl::Duration timeout) {
  using Client = absl::StatusOr<std::unique_ptr<AdminClient>>;
  const auto client = std::make_shared<Client>(
      AdminClient::Create(target.address, timeout, target.security));
  return
      [client](
          const Message& request) -> absl::StatusOr<std::unique_ptr<Message>> {
        if (!client->ok()) return client->status();
        return (**client)->Ask(request);
      };
}

}  // namespace

void ForEachAtOnce(size_t count, const std::function<void(size_t)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (size_t i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

absl::StatusOr<Answer> AskBrokers(const CommandLine& line,
                                  const TableTime& time) {
  std::vector<Ask> asks;
  for (const BrokerTarget& target : line.brokers) {
    asks.push_back(AskOf(target, line.timeout));
  }
  if (line.command->run_on_all != nullptr) {
    std::vector<AskedBroker> brokers;
    for (size_t i = 0; i < asks.size(); ++i) {
      brokers.push_back({line.brokers[i], asks[i]});
    }
    return line.command->run_on_all(line, brokers, time);
  }
  if (asks.size() == 1) return line.command->run(line, asks[0], time);
  std::vector<BrokerAnswer> answers;
  for (const BrokerTarget& target : line.brokers) {
    answers.push_back({target.label, absl::UnknownError("not asked")});
  }
  ForEachAtOnce(asks.size(), [&](size_t i) {
    CommandLine one = line;
    one.brokers = {line.brokers[i]};
    answers[i].answer = line.command->run(one, asks[i], time);
  });
  return MergeAnswers(answers, kExitError, kExitNotWhole);
}

}  // namespace rmq::cmctl
