#include "client/discovery/system_host_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {
namespace {

// Of the process. It has no destructor, so a thread may use it at exit.
std::atomic<int> under_way{0};

absl::Status LookUpError(const std::string& host, int code, int error) {
  const std::string what = absl::StrCat("cannot look up ", Quoted(host));
  const std::string message = absl::StrCat(what, ": ", gai_strerror(code));
  switch (code) {
    case EAI_SYSTEM: return absl::ErrnoToStatus(error, what);
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: return absl::NotFoundError(message);
    case EAI_MEMORY: return absl::ResourceExhaustedError(message);
    default: return absl::UnavailableError(message);
  }
}

std::string TextOf(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  } else if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  }
  return text;
}

}  // namespace

HostLookup::Answer LookUpHostBlocking(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* results = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &results);
  if (code != 0) return LookUpError(host, code, errno);
  const auto free_results = absl::MakeCleanup([=] { freeaddrinfo(results); });
  std::vector<std::string> addresses;
  for (const addrinfo* result = results; result != nullptr;
       result = result->ai_next) {
    std::string address = TextOf(*result->ai_addr);
    if (!address.empty()) addresses.push_back(std::move(address));
  }
  if (addresses.empty()) return LookUpError(host, EAI_NODATA, 0);
  return addresses;
}

void StartDetached(std::function<void()> task) {
  std::thread(std::move(task)).detach();
}

class SystemHostLookup::Gate {
 public:
  void Pass(const std::function<void(Answer)>& on_answer, Answer answer)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (!closed_) on_answer(std::move(answer));
  }
  void Close() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    closed_ = true;
  }

 private:
  absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

SystemHostLookup::SystemHostLookup(Function look_up, StartThread start_thread)
    : look_up_(std::move(look_up)),
      start_thread_(std::move(start_thread)),
      gate_(std::make_shared<Gate>()) {}

SystemHostLookup::~SystemHostLookup() { Close(); }

void SystemHostLookup::Close() { gate_->Close(); }

void SystemHostLookup::LookUp(const std::string& host,
                              std::function<void(Answer)> on_answer) {
  if (under_way.fetch_add(1) >= kMaxUnderWay) {
    under_way.fetch_sub(1);
    gate_->Pass(on_answer,
                absl::ResourceExhaustedError(absl::StrCat(
                    "cannot look up ", Quoted(host), ": ", kMaxUnderWay,
                    " lookups of this process have not ended")));
    return;
  }
  try {
    start_thread_([look_up = look_up_, host, gate = gate_, on_answer] {
      Answer answer = look_up(host);
      under_way.fetch_sub(1);
      gate->Pass(on_answer, std::move(answer));
    });
  } catch (const std::system_error& error) {
    under_way.fetch_sub(1);
    gate_->Pass(on_answer, absl::ResourceExhaustedError(
                               absl::StrCat("cannot look up ", Quoted(host),
                                            ": no thread: ", error.what())));
  }
}

}  // namespace rmq
