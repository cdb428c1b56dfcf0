#include "common/security/memory_file.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "common/status_matchers.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

time_t ModifiedAt(const std::string& path) {
  struct stat file = {};
  EXPECT_EQ(stat(path.c_str(), &file), 0);
  return file.st_mtime;
}

TEST(MemoryFileTest, EachReaderReadsTheWholeContent) {
  const auto file = MemoryFile::Create("some content\n");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(ReadAll(file->path()), "some content\n");
  EXPECT_EQ(ReadAll(file->path()), "some content\n");
}

TEST(MemoryFileTest, ANewContentIsAtTheSamePathWithAnotherTime) {
  auto file = MemoryFile::Create("a long first content");
  ASSERT_THAT(file, IsOk());
  const std::string path = file->path();
  const time_t first = ModifiedAt(path);
  EXPECT_NE(first, 0);
  ASSERT_THAT(file->Replace("second"), IsOk());
  EXPECT_EQ(file->path(), path);
  EXPECT_EQ(ReadAll(path), "second");
  EXPECT_NE(ModifiedAt(path), first);
}

TEST(MemoryFileTest, WhoHasOpenedTheOldContentReadsOnInIt) {
  auto file = MemoryFile::Create("the first content");
  ASSERT_THAT(file, IsOk());
  std::ifstream reader(file->path());
  ASSERT_THAT(file->Replace("the second content"), IsOk());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}),
            "the first content");
}

TEST(MemoryFileTest, AMovedFileKeepsItsPath) {
  auto file = MemoryFile::Create("content");
  ASSERT_THAT(file, IsOk());
  const std::string path = file->path();
  const MemoryFile moved = *std::move(file);
  EXPECT_EQ(moved.path(), path);
  EXPECT_EQ(ReadAll(path), "content");
}

}  // namespace
}  // namespace rmq
