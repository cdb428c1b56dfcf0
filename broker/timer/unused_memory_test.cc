#include "broker/timer/unused_memory.h"

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr size_t kBlock = 1 << 10;
// So many blocks have 64 MiB.
constexpr int kBlocks = 64 << 10;

using Block = std::unique_ptr<std::vector<char>>;

std::vector<Block> Allocate() {
  std::vector<Block> blocks;
  for (int i = 0; i < kBlocks; ++i) {
    blocks.push_back(std::make_unique<std::vector<char>>(kBlock, 'x'));
  }
  return blocks;
}

TEST(UnusedMemoryTest, WhatIsAllocatedIsUsed) {
  const int64_t before = UnusedMemory();
  const std::vector<Block> blocks = Allocate();
  EXPECT_LT(UnusedMemory(), before + 16 * kMiB);
}

TEST(UnusedMemoryTest, WhatIsFreedBelowOthersIsUnusedUntilItIsReturned) {
  malloc_trim(0);
  const int64_t before = UnusedMemory();
  std::vector<Block> blocks = Allocate();
  // The last one stays, so that glibc keeps what is below it.
  blocks.erase(blocks.begin(), blocks.end() - 1);
  EXPECT_GT(UnusedMemory(), before + 48 * kMiB);
  malloc_trim(0);
  EXPECT_LT(UnusedMemory(), before + 16 * kMiB);
}

}  // namespace
}  // namespace rmq
