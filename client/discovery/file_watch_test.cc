#include "client/discovery/file_watch.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/discovery/known_brokers.h"
#include "client/discovery/recording_listener.h"
#include "client/testing/manual_event_loop.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kInterval = absl::Seconds(1);

std::string FileOf(const std::string& address) {
  return absl::StrCat("{\"brokers\": [{\"address\": \"", address, "\"}]}");
}

class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() {
    std::remove(path_.c_str());
    known_.AddListener(lists_);
  }

  void Begin() {
    watch_.Look();
    loop_.Post([this] { watch_.Follow(); });
    loop_.RunPosted();
  }

  void Write(const std::string& path, const std::string& text) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    ASSERT_EQ(std::fclose(file), 0);
  }
  void Write(const std::string& text) { Write(path_, text); }
  // As a careful writer does it.
  void Replace(const std::string& text) {
    const std::string beside = path_ + ".new";
    Write(beside, text);
    ASSERT_EQ(std::rename(beside.c_str(), path_.c_str()), 0);
  }

  const std::string path_ = absl::StrCat(::testing::TempDir(), "/brokers");
  SimulatedClock clock_;
  ManualEventLoop loop_;
  KnownBrokers known_{"file:///brokers", &clock_};
  FileWatch watch_{path_, kInterval, &loop_, &known_};
  std::shared_ptr<RecordingListener> lists_ =
      std::make_shared<RecordingListener>();
};

TEST_F(FileWatchTest, TheFirstLookNeedsNoLoop) {
  Write(FileOf("a:1"));
  watch_.Look();
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1"));
}

TEST_F(FileWatchTest, AFileIsReadOnceAnInterval) {
  Write(FileOf("a:1"));
  Begin();
  Replace(FileOf("b:1"));
  loop_.Advance(kInterval - absl::Milliseconds(1));
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1", "b:1"));
  Replace(FileOf("c:1"));
  loop_.Advance(kInterval);
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1", "b:1", "c:1"));
}

TEST_F(FileWatchTest, AFileThatIsWrittenInItsPlaceIsReadToo) {
  Write(FileOf("a:1"));
  Begin();
  Write(FileOf("a:2"));  // Of the same size, and maybe of the same time.
  loop_.Advance(kInterval);
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1", "a:2"));
}

TEST_F(FileWatchTest, AFileThatIsTornEmptiedOrGoneLeavesTheListThatWas) {
  Write(FileOf("a:1"));
  Begin();
  const std::string next = FileOf("b:1");

  Write(next.substr(0, next.size() / 2));
  loop_.Advance(kInterval);
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path_)));

  Write("");
  loop_.Advance(kInterval);
  EXPECT_THAT(known_.Status().error,
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must not be empty")));

  ASSERT_EQ(unlink(path_.c_str()), 0);
  loop_.Advance(kInterval);
  EXPECT_THAT(known_.Status().error, StatusIs(absl::StatusCode::kNotFound));

  EXPECT_THAT(lists_->lists(), ElementsAre("a:1"));
  EXPECT_EQ(known_.Status().brokers, 1);
  Write(next);
  loop_.Advance(kInterval);
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1", "b:1"));
  EXPECT_THAT(known_.Status().error, IsOk());
}

TEST_F(FileWatchTest, AFileThatComesBackAsItWasEndsTheError) {
  Write(FileOf("a:1"));
  Begin();
  ASSERT_EQ(unlink(path_.c_str()), 0);
  loop_.Advance(kInterval);
  EXPECT_THAT(known_.Status().error, StatusIs(absl::StatusCode::kNotFound));
  Write(FileOf("a:1"));
  loop_.Advance(kInterval);
  EXPECT_THAT(known_.Status().error, IsOk());
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1"));
}

TEST_F(FileWatchTest, AFileMayComeLater) {
  Begin();
  EXPECT_THAT(lists_->lists(), IsEmpty());
  EXPECT_THAT(known_.Status().error, StatusIs(absl::StatusCode::kNotFound));
  Write(FileOf("a:1"));
  loop_.Advance(kInterval);
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1"));
}

TEST_F(FileWatchTest, ALinkMayBeTurnedToAnotherFile) {
  const std::string one = path_ + ".one", two = path_ + ".two";
  const std::string link = path_ + ".link";
  Write(one, FileOf("a:1"));
  Write(two, FileOf("b:1"));
  std::remove(link.c_str());
  ASSERT_EQ(symlink(one.c_str(), path_.c_str()), 0);
  Begin();
  ASSERT_EQ(symlink(two.c_str(), link.c_str()), 0);
  ASSERT_EQ(std::rename(link.c_str(), path_.c_str()), 0);
  loop_.Advance(kInterval);
  EXPECT_THAT(lists_->lists(), ElementsAre("a:1", "b:1"));
}

}  // namespace
}  // namespace rmq
