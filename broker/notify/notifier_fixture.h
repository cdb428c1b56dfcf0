// What tests of the notifier share: a table whose events it hears, and clients.
#ifndef BROKER_NOTIFY_NOTIFIER_FIXTURE_H_
#define BROKER_NOTIFY_NOTIFIER_FIXTURE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "gtest/gtest.h"

namespace rmq {

class NotifierFixture : public ::testing::Test {
 protected:
  explicit NotifierFixture(const ConsumerIdsNotifier::Options& options = {})
      : notifier_(options,
                  [this](absl::Time time) { deadlines_.push_back(time); }) {}

  static ConsumerIdsNotifier::Options WithWindow(absl::Duration window) {
    ConsumerIdsNotifier::Options options;
    options.notify_window = window;
    return options;
  }
  static ConsumerIdsNotifier::Options Disabled() {
    ConsumerIdsNotifier::Options options;
    options.enabled = false;
    return options;
  }

  FakeClientChannelPtr Connect(const TestStatement& stated,
                               bool notify = true) {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    Register(*channel, stated, notify);
    return channel;
  }
  void Register(ClientChannel& channel, const TestStatement& stated,
                bool notify = true) {
    BuiltStatement statement(stated);
    for (AdmittedConsumer& consumer : statement.admitted()) {
      consumer.notify_consumer_ids_changed = notify;
    }
    table_.Register(channel, statement.Admitted(), now_);
  }
  std::vector<FakeClientChannelPtr> ConnectMany(size_t count,
                                                const std::string& group) {
    std::vector<FakeClientChannelPtr> channels;
    for (size_t i = 0; i < count; ++i) {
      channels.push_back(
          Connect(TestStatement(absl::StrCat(group, "-", i)).Consumer(group)));
    }
    return channels;
  }
  void Flush() { notifier_.Flush(table_, now_); }
  static size_t TakeAllPushes(
      const std::vector<FakeClientChannelPtr>& channels) {
    size_t pushes = 0;
    for (const auto& channel : channels) pushes += channel->TakePushes().size();
    return pushes;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  std::vector<absl::Time> deadlines_;  // As the notifier told them.
  ConsumerIdsNotifier notifier_;
  ClientTable table_{ClientTable::Options(), {&notifier_}};
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_NOTIFIER_FIXTURE_H_
