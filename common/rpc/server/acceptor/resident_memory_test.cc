#include "common/rpc/server/acceptor/resident_memory.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(ResidentMemoryTest, RisesByWhatTheProcessWrites) {
  constexpr int64_t kBytes = 64 * 1024 * 1024;
  const int64_t before = ResidentMemory();
  EXPECT_GT(before, 0);
  const std::string written(kBytes, 'x');
  EXPECT_GE(ResidentMemory() - before, kBytes / 2);
  EXPECT_EQ(written.back(), 'x');
}

}  // namespace
}  // namespace rmq
