#include "broker/storage/file_reloader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

class FileReloaderTest : public ::testing::Test {
 protected:
  FileReloaderTest() {
    const ::testing::TestInfo& test =
        *::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = absl::StrCat(::testing::TempDir(), "/", test.name(), getpid());
    mkdir(folder_.c_str(), 0700);
  }

  std::string PathOf(const std::string& name) const {
    return absl::StrCat(folder_, "/", name);
  }

  // So that files that have changed are still.
  void LookTwice() {
    reloader_.Look();
    reloader_.Look();
  }

  void Watch(std::vector<std::string> paths) {
    reloader_.Add({"files", std::move(paths), [this] {
                     ++loads_;
                     return answer_;
                   }});
  }

  std::string folder_;
  SimulatedClock clock_;
  FileReloader reloader_{&clock_};
  int loads_ = 0;
  absl::Status answer_;
};

TEST_F(FileReloaderTest, FilesThatDoNotChangeAreNotLoadedAgain) {
  Write(PathOf("a"), "1");
  Watch({PathOf("a")});
  LookTwice();
  EXPECT_EQ(loads_, 0);
}

TEST_F(FileReloaderTest, AFileThatIsWrittenIsLoadedOnce) {
  Write(PathOf("a"), "1");
  Watch({PathOf("a")});
  Write(PathOf("a"), "22");
  LookTwice();
  LookTwice();
  EXPECT_EQ(loads_, 1);
}

TEST_F(FileReloaderTest, AFileThatIsBeingWrittenIsLeftUntilItIsStill) {
  Watch({PathOf("a")});
  for (const char* text : {"1", "22", "333"}) {
    Write(PathOf("a"), text);
    reloader_.Look();
    EXPECT_EQ(loads_, 0);
  }
  reloader_.Look();
  EXPECT_EQ(loads_, 1);
}

TEST_F(FileReloaderTest, AFileThatAnotherReplacesIsLoaded) {
  Write(PathOf("a"), "1");
  Watch({PathOf("a")});
  Write(PathOf("b"), "2");
  ASSERT_EQ(rename(PathOf("b").c_str(), PathOf("a").c_str()), 0);
  LookTwice();
  EXPECT_EQ(loads_, 1);
}

TEST_F(FileReloaderTest, AFileThatComesAndGoesIsLoadedEachTime) {
  Watch({PathOf("a")});
  Write(PathOf("a"), "1");
  LookTwice();
  EXPECT_EQ(loads_, 1);
  ASSERT_EQ(unlink(PathOf("a").c_str()), 0);
  LookTwice();
  EXPECT_EQ(loads_, 2);
}

TEST_F(FileReloaderTest, FilesBehindAFolderThatIsSwitchedAreLoadedTogether) {
  mkdir(PathOf("old").c_str(), 0700);
  mkdir(PathOf("new").c_str(), 0700);
  for (const char* const name : {"old/key", "old/cert", "new/key", "new/cert"})
    Write(PathOf(name), "1");
  ASSERT_EQ(symlink("old", PathOf("now").c_str()), 0);
  Watch({PathOf("now/key"), PathOf("now/cert")});
  ASSERT_EQ(symlink("new", PathOf("next").c_str()), 0);
  ASSERT_EQ(rename(PathOf("next").c_str(), PathOf("now").c_str()), 0);
  LookTwice();
  EXPECT_EQ(loads_, 1);
}

TEST_F(FileReloaderTest, AnEntryOfADirectoryCounts) {
  Watch({folder_});
  Write(PathOf("crl"), "1");
  LookTwice();
  EXPECT_EQ(loads_, 1);
  Write(PathOf("crl"), "22");
  LookTwice();
  EXPECT_EQ(loads_, 2);
}

TEST_F(FileReloaderTest, AFailedLoadIsToldAndNotRepeatedUntilTheNextChange) {
  Write(PathOf("a"), "1");
  Watch({PathOf("a")});
  answer_ = absl::InvalidArgumentError("half a file");
  Write(PathOf("a"), "22");
  LookTwice();
  LookTwice();
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(reloader_.States().at(0).failures, 1);
  EXPECT_EQ(reloader_.States().at(0).last.message(), "half a file");

  answer_ = absl::OkStatus();
  Write(PathOf("a"), "333");
  LookTwice();
  EXPECT_EQ(reloader_.States().at(0).loads, 1);
  EXPECT_TRUE(reloader_.States().at(0).last.ok());
}

TEST_F(FileReloaderTest, ReloadNowLoadsWhatHasNotChangedOnce) {
  Write(PathOf("a"), "1");
  Watch({PathOf("a")});
  reloader_.ReloadNow();
  LookTwice();
  LookTwice();
  EXPECT_EQ(loads_, 1);
}

TEST_F(FileReloaderTest, ALoadThatWasAskedForIsPendingUntilItHasEnded) {
  EXPECT_FALSE(reloader_.IsPending());
  reloader_.ReloadNow();
  EXPECT_FALSE(reloader_.IsPending());  // There is nothing to load.
  bool was_pending = false;
  reloader_.Add({"files", {PathOf("a")}, [&] {
                   was_pending = reloader_.IsPending();
                   return absl::OkStatus();
                 }});
  EXPECT_TRUE(reloader_.IsPending());
  reloader_.Look();
  EXPECT_TRUE(was_pending);
  EXPECT_FALSE(reloader_.IsPending());
  reloader_.Look();
  EXPECT_FALSE(reloader_.IsPending());
}

TEST_F(FileReloaderTest, TheThreadLoadsWhatChangedWithinAPeriod) {
  absl::Notification loaded;
  reloader_.Add({"files", {PathOf("a")}, [&loaded] {
                   loaded.Notify();
                   return absl::OkStatus();
                 }});
  ASSERT_TRUE(reloader_.Start().ok());
  Write(PathOf("a"), "1");
  while (!loaded.HasBeenNotified()) clock_.Advance(FileReloader::kPeriod);
  reloader_.Stop(absl::ZeroDuration());
  EXPECT_EQ(reloader_.States().at(0).loads, 1);
}

TEST_F(FileReloaderTest, TheThreadLoadsWhenItIsAskedThoughNoTimePasses) {
  absl::Notification loaded;
  reloader_.Add({"files", {PathOf("a")}, [&loaded] {
                   loaded.Notify();
                   return absl::OkStatus();
                 }});
  ASSERT_TRUE(reloader_.Start().ok());
  reloader_.ReloadNow();
  loaded.WaitForNotification();
  reloader_.Stop(absl::ZeroDuration());
}

}  // namespace
}  // namespace rmq
