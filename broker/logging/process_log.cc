#include "broker/logging/process_log.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "broker/logging/log_writer.h"
#include "common/kv.h"
#include "glog/logging.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/support/log.h"
#include "openssl/x509_vfy.h"

namespace rmq {
namespace {

constexpr absl::Duration kFlushLimit = absl::Milliseconds(500);
constexpr unsigned int kFailureLimitSeconds = 2;

// Never destroyed: its thread may be at a write that does not end.
LogWriter* process_writer = nullptr;

// The failed process ends at the latest when this is called.
void EndFailedProcessIn(unsigned int seconds) {
  signal(SIGALRM, [](int) { abort(); });
  alarm(seconds);
}

// Takes the place of glog's file for INFO, which gets the lines of all
// severities, each with its prefix. glog calls it with its own mutex held.
class QueueingLogger final : public google::base::Logger {
 public:
  void Write(bool force_flush, std::time_t /*timestamp*/, const char* message,
             size_t length) override {
    if (length > 0) {
      process_writer->Append(absl::string_view(message, length));
    } else if (force_flush) {
      // What glog does last for a failed CHECK, before it writes the stack
      // trace to stderr by itself, where it might wait for ever.
      EndFailedProcessIn(kFailureLimitSeconds);
      process_writer->Flush(kFlushLimit);
    }
  }
  // Nothing: who waits here has others wait for glog's mutex.
  void Flush() override {}
  uint32_t LogSize() override { return 0; }
};

// Why OpenSSL refused a certificate on this thread, in a handshake whose end
// gRPC has not logged yet; 0: it did not.
thread_local int64_t refused_certificate = 0;

// gRPC writes two lines for a certificate that is refused while there are
// revocation lists; the first has the reason.
void LogFailedHandshake(absl::string_view message) {
  static std::atomic<int64_t> since_last{0};
  since_last.fetch_add(1, std::memory_order_relaxed);
  const int64_t reason = std::exchange(refused_certificate, 0);
  LOG_EVERY_T(WARNING, 1) << "TLS handshake failed"
                          << Kv("error",
                                reason == 0
                                    ? message
                                    : X509_verify_cert_error_string(reason))
                          << Kv("failures", since_last.exchange(0));
}

// What matters to an operator comes back as a status, but for a failed
// accept(), after which gRPC 1.51 listens no more, for a failed assertion,
// after which gRPC aborts, and for failed handshakes of TLS.
void LogFromGrpc(gpr_log_func_args* args) {
  constexpr absl::string_view kRefused = "Certificate verify failed with code ";
  absl::string_view message = args->message;
  if (absl::StrContains(args->message, "Failed accept")) {
    LOG(ERROR) << "no more connections are accepted until a restart"
               << Kv("error", args->message);
  } else if (absl::StartsWith(args->message, "assertion failed")) {
    LOG(FATAL) << "grpc" << Kv("file", args->file) << Kv("line", args->line)
               << Kv("error", args->message);
  } else if (absl::ConsumePrefix(&message, kRefused)) {
    (void)absl::SimpleAtoi(message, &refused_certificate);
  } else if (absl::ConsumePrefix(&message, "Handshake failed with ")) {
    LogFailedHandshake(message);
  } else {
    VLOG(1) << "grpc: " << args->message;
  }
}

void LogFromProtobuf(google::protobuf::LogLevel level, const char* /*file*/,
                     int /*line*/, const std::string& message) {
  if (level == google::protobuf::LOGLEVEL_FATAL) {
    LOG(FATAL) << "protobuf" << Kv("error", message);
  }
  static std::atomic<int64_t> since_last{0};
  since_last.fetch_add(1, std::memory_order_relaxed);
  LOG_EVERY_T(WARNING, 1) << "protobuf" << Kv("message", message)
                          << Kv("messages", since_last.exchange(0));
}

}  // namespace

void StartProcessLog(const char* program) {
  for (const int signal_number : {SIGPIPE, SIGXFSZ, SIGTTOU}) {
    signal(signal_number, SIG_IGN);
  }
  process_writer = new LogWriter(STDERR_FILENO);
  // glog's environment variables may ask for more; that would block.
  FLAGS_logtostdout = false;
  FLAGS_logtostderr = false;
  FLAGS_alsologtostderr = false;
  FLAGS_stderrthreshold = google::NUM_SEVERITIES;
  for (const google::LogSeverity severity :
       {google::GLOG_WARNING, google::GLOG_ERROR, google::GLOG_FATAL}) {
    google::SetLogDestination(severity, "");  // No file.
  }
  google::base::SetLogger(google::GLOG_INFO, new QueueingLogger);
  google::InitGoogleLogging(program);
  gpr_set_log_function(LogFromGrpc);
  google::protobuf::SetLogHandler(LogFromProtobuf);
}

void LogPlainLine(absl::string_view line) {
  process_writer->Append(absl::StrCat(line, "\n"));
}

void FlushProcessLog() { process_writer->Flush(kFlushLimit); }

int64_t LogLinesDropped() {
  return process_writer == nullptr ? 0 : process_writer->lines_dropped();
}

}  // namespace rmq
