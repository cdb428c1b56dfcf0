#include "common/file_changes.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/time/time.h"
#include "common/simulated_clock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class FileChangesTest : public testing::Test {
 protected:
  ~FileChangesTest() override { std::remove(path_.c_str()); }

  void Write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  bool ChangedAfter(absl::Duration time) {
    clock_.Advance(time);
    return changes_.HaveChanged();
  }

  const std::string path_ = testing::TempDir() + "/watched";
  SimulatedClock clock_;
  FileChanges changes_{{path_, ""}, &clock_};
};

TEST_F(FileChangesTest, AFileThatComesIsToldOnce) {
  EXPECT_FALSE(ChangedAfter(FileChanges::kPeriod));
  Write(path_, "a");
  EXPECT_TRUE(ChangedAfter(FileChanges::kPeriod));
  EXPECT_FALSE(ChangedAfter(FileChanges::kPeriod));
}

TEST_F(FileChangesTest, AFileThatIsReplacedByOneOfItsSizeHasChanged) {
  Write(path_, "a");
  EXPECT_TRUE(ChangedAfter(FileChanges::kPeriod));
  Write(path_ + ".new", "b");
  ASSERT_EQ(std::rename((path_ + ".new").c_str(), path_.c_str()), 0);
  EXPECT_TRUE(ChangedAfter(FileChanges::kPeriod));
}

TEST_F(FileChangesTest, AFileThatGrowsOrGoesHasChanged) {
  Write(path_, "a");
  EXPECT_TRUE(ChangedAfter(FileChanges::kPeriod));
  Write(path_, "ab");
  EXPECT_TRUE(ChangedAfter(FileChanges::kPeriod));
  ASSERT_EQ(std::remove(path_.c_str()), 0);
  EXPECT_TRUE(ChangedAfter(FileChanges::kPeriod));
}

TEST_F(FileChangesTest, FilesAreLookedAtOnceAPeriod) {
  Write(path_, "a");
  EXPECT_FALSE(ChangedAfter(FileChanges::kPeriod - absl::Nanoseconds(1)));
  EXPECT_TRUE(ChangedAfter(absl::Nanoseconds(1)));
}

}  // namespace
}  // namespace rmq
