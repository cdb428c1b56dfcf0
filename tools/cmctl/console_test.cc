#include "tools/cmctl/console.h"

#include <unistd.h>

#include <csignal>

#include "gtest/gtest.h"

namespace rmq::cmctl {
namespace {

TEST(ConsoleDeathTest, ACommandThatDoesNotEndAfterCtrlCIsEnded) {
  const auto never_end = [] {
    const Console console = ProcessConsole(/*end_seconds=*/1);
    console.catch_interrupts();
    raise(SIGINT);
    while (console.interrupted_by() == SIGINT) pause();
  };
  EXPECT_EXIT(never_end(), ::testing::ExitedWithCode(128 + SIGINT), "");
}

TEST(ConsoleDeathTest, TheSecondCtrlCEndsItAtOnce) {
  const auto twice = [] {
    ProcessConsole().catch_interrupts();
    raise(SIGINT);
    raise(SIGINT);
  };
  EXPECT_EXIT(twice(), ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace rmq::cmctl
