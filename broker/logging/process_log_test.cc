// Each test lets a child process end: a process starts its log once.
#include "broker/logging/process_log.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "glog/logging.h"
#include "gmock/gmock.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/support/log.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

class ProcessLogDeathTest : public ::testing::Test {
 protected:
  ProcessLogDeathTest() {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
};

[[noreturn]] void End() {
  FlushProcessLog();
  std::_Exit(0);
}

// stderr is a full pipe from here on, which nobody reads.
void StallStderr() {
  int fds[2];
  CHECK_EQ(pipe2(fds, O_NONBLOCK), 0);
  while (write(fds[1], "x", 1) == 1) {
  }
  fcntl(fds[1], F_SETFL, 0);
  dup2(fds[1], STDERR_FILENO);
}

TEST_F(ProcessLogDeathTest, ALineHasGlogsPrefix) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        LOG(INFO) << "listening address=127.0.0.1:1";
        End();
      },
      ExitedWithCode(0),
      "^I[0-9]{8} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6} +[0-9]+ "
      "process_log_test\\.cc:[0-9]+\\] listening address=127\\.0\\.0\\.1:1\n$");
}

TEST_F(ProcessLogDeathTest, EachSeverityIsOneLine) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        LOG(INFO) << "a";
        LOG(WARNING) << "b";
        LOG(ERROR) << "c";
        LogPlainLine("d");
        End();
      },
      ExitedWithCode(0), "^I[^\n]* a\nW[^\n]* b\nE[^\n]* c\nd\n$");
}

TEST_F(ProcessLogDeathTest, AFailedCheckIsToldAndAborts) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        LOG(INFO) << "before";
        CHECK_EQ(1, 2) << "the sum";
      },
      KilledBySignal(SIGABRT),
      "^I[^\n]* before\nF[^\n]* Check failed: 1 == 2 [^\n]*the sum\n"
      "\\*\\*\\* Check failure stack trace");
}

TEST_F(ProcessLogDeathTest, AFailedCheckAbortsThoughNobodyReads) {
  EXPECT_EXIT(
      {
        StallStderr();
        StartProcessLog("program");
        LOG(FATAL) << "nobody reads this";
      },
      KilledBySignal(SIGABRT), "");
}

TEST_F(ProcessLogDeathTest, NobodyReadsAndLoggingGoesOnAndStops) {
  EXPECT_EXIT(
      {
        StallStderr();
        StartProcessLog("program");
        for (int i = 0; i < 100'000; ++i) LOG(INFO) << "nobody reads this";
        const int64_t dropped = LogLinesDropped();
        FlushProcessLog();
        std::_Exit(dropped > 50'000 ? 0 : 1);
      },
      ExitedWithCode(0), "");
}

TEST_F(ProcessLogDeathTest, GlogsEnvironmentDoesNotBringBackWhatBlocks) {
  EXPECT_EXIT(
      {
        FLAGS_logtostderr = true;
        FLAGS_alsologtostderr = true;
        FLAGS_stderrthreshold = 0;
        FLAGS_logbuflevel = -1;
        StallStderr();
        StartProcessLog("program");
        for (int i = 0; i < 1000; ++i) LOG(ERROR) << "nobody reads this";
        google::FlushLogFiles(google::GLOG_INFO);
        std::_Exit(0);
      },
      ExitedWithCode(0), "");
}

TEST_F(ProcessLogDeathTest, NoWriteEndsTheProcess) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        for (const int signal_number : {SIGPIPE, SIGXFSZ, SIGTTOU}) {
          raise(signal_number);
        }
        End();
      },
      ExitedWithCode(0), "");
}

TEST_F(ProcessLogDeathTest, OfProtobufsLinesOneASecondIsLogged) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        for (int i = 0; i < 1000; ++i) {
          GOOGLE_LOG(ERROR) << "invalid UTF-8\nby a client";
        }
        End();
      },
      ExitedWithCode(0),
      "^W[^\n]* protobuf message=\"invalid UTF-8\\\\nby a client\" "
      "messages=1\n");
}

TEST_F(ProcessLogDeathTest, OfGrpcsLinesAFailedAcceptIsLogged) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        gpr_log_verbosity_init();
        gpr_log(GPR_ERROR, "something that a status tells");
        gpr_log(GPR_ERROR, "Failed accept4: Too many open files");
        End();
      },
      ExitedWithCode(0),
      "^E[^\n]* no more connections are accepted until a restart "
      "error=\"Failed accept4: Too many open files\"\n$");
}

TEST_F(ProcessLogDeathTest, AFailedHandshakeIsLoggedOnceASecond) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        gpr_log_verbosity_init();
        for (int i = 0; i < 1000; ++i) {
          gpr_log(GPR_ERROR,
                  "Handshake failed with fatal error SSL_ERROR_SSL: "
                  "peer did not return a certificate.");
        }
        End();
      },
      ExitedWithCode(0),
      "^W[^\n]* TLS handshake failed error=\"fatal error SSL_ERROR_SSL: peer "
      "did not return a certificate.\" failures=1\n$");
}

TEST_F(ProcessLogDeathTest, ARefusedCertificateIsLoggedWithTheReason) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        gpr_log_verbosity_init();
        gpr_log(GPR_ERROR, "Certificate verify failed with code 23");
        gpr_log(GPR_ERROR,
                "Handshake failed with fatal error SSL_ERROR_SSL: "
                "certificate verify failed.");
        End();
      },
      ExitedWithCode(0),
      "^W[^\n]* TLS handshake failed error=\"certificate revoked\" "
      "failures=1\n$");
}

TEST_F(ProcessLogDeathTest, AFailedAssertionOfGrpcsIsTold) {
  EXPECT_EXIT(
      {
        StartProcessLog("program");
        gpr_log_verbosity_init();
        GPR_ASSERT(1 == 2);
      },
      KilledBySignal(SIGABRT), "F[^\n]* grpc [^\n]*assertion failed: 1 == 2");
}

TEST_F(ProcessLogDeathTest, WithoutALogNothingIsDropped) {
  EXPECT_EQ(LogLinesDropped(), 0);
}

}  // namespace
}  // namespace rmq
