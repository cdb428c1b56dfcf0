#include "broker/config_file.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "rocketmq/clientmanager/v1/broker_config.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

constexpr int32_t kDefaultTopicQueues = 16;

// Keeps the first error: the rest follow from it.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(absl::string_view name) : name_(name) {}

  // Lines and columns are counted from 0; people count from 1.
  void AddError(int line, int column, const std::string& message) override {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(name_, ":", line + 1, ":", column + 1, ": ", message));
  }

  const absl::Status& status() const { return status_; }

 private:
  const absl::string_view name_;
  absl::Status status_;
};

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Uses stdio because std::ifstream opens a directory, and throws when a read
// fails.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  const auto error = [&] {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("cannot read config file ", path));
  };
  const std::unique_ptr<std::FILE, FileCloser> file(
      std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return error();
  std::string text;
  char piece[64 << 10];
  while (const size_t size = std::fread(piece, 1, sizeof(piece), file.get())) {
    text.append(piece, size);
    if (text.size() > kMaxConfigBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("config file ", path, " must be at most ",
                       kMaxConfigBytes, " bytes"));
    }
  }
  if (std::ferror(file.get()) != 0) return error();
  return text;
}

}  // namespace

absl::Status ApplyConfigText(absl::string_view name, const std::string& text,
                             GroupPolicy::Options* policy,
                             ConsumerIdsNotifier::Options* notifier) {
  pb::BrokerConfig config;
  FirstError error(name);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(text, &config)) return error.status();

  if (config.has_auto_create_subscription_group()) {
    policy->auto_create_subscription_group =
        config.auto_create_subscription_group();
  }
  if (config.has_max_auto_created_groups()) {
    policy->max_auto_created_groups = config.max_auto_created_groups();
  }
  if (config.has_enable_property_filter()) {
    policy->enable_property_filter = config.enable_property_filter();
  }
  if (config.has_enable_register_producer()) {
    policy->enable_register_producer = config.enable_register_producer();
  }
  if (config.has_notify_consumer_ids_changed_enable()) {
    notifier->enabled = config.notify_consumer_ids_changed_enable();
  }
  if (config.has_reject_pull_consumer_enable()) {
    policy->reject_pull_consumer_enable = config.reject_pull_consumer_enable();
  }
  for (const pb::SubscriptionGroupConfig& group :
       config.subscription_groups()) {
    SubscriptionGroupConfig& added = policy->subscription_groups.emplace_back();
    added.group = group.group();
    if (group.has_notify_consumer_ids_changed_enable()) {
      added.notify_consumer_ids_changed_enable =
          group.notify_consumer_ids_changed_enable();
    }
    if (group.has_retry_queue_nums()) {
      added.retry_queue_nums = group.retry_queue_nums();
    }
  }
  for (const pb::TopicConfig& topic : config.topics()) {
    TopicConfig& added = policy->topics.emplace_back();
    added.topic = topic.topic();
    added.read_queue_nums = topic.has_read_queue_nums()
                                ? topic.read_queue_nums()
                                : kDefaultTopicQueues;
    added.write_queue_nums = topic.has_write_queue_nums()
                                 ? topic.write_queue_nums()
                                 : kDefaultTopicQueues;
    if (topic.has_perm()) added.perm = topic.perm();
    added.topic_sys_flag = topic.topic_sys_flag();
    added.order = topic.order();
  }
  return absl::OkStatus();
}

absl::Status ApplyConfigFile(const std::string& path,
                             GroupPolicy::Options* policy,
                             ConsumerIdsNotifier::Options* notifier) {
  const absl::StatusOr<std::string> text = ReadConfigFile(path);
  if (!text.ok()) return text.status();
  return ApplyConfigText(path, *text, policy, notifier);
}

}  // namespace rmq
