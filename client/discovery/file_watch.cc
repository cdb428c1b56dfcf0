#include "client/discovery/file_watch.h"

#include "client/discovery/brokers_file.h"

namespace rmq {

void FileWatch::Look() {
  absl::StatusOr<std::string> text = ReadBrokersFile(path_);
  if (!text.ok()) return known_.Fail(text.status());
  if (*text != text_) {
    text_ = *std::move(text);
    brokers_ = ParseBrokersFile(path_, text_);
  }
  if (brokers_.ok()) {
    known_.Learn(*brokers_);
  } else {
    known_.Fail(brokers_.status());
  }
}

void FileWatch::Follow() {
  loop_.RunAt(loop_.Now() + interval_, [this] {
    Look();
    Follow();
  });
}

}  // namespace rmq
