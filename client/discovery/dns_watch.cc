#include "client/discovery/dns_watch.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {
namespace {

Backoff::Options PausesUpTo(absl::Duration interval) {
  Backoff::Options options;
  options.initial = std::min<absl::Duration>(absl::Seconds(1), interval);
  options.maximum = interval;
  return options;
}

}  // namespace

std::vector<BrokerEntry> BrokersAt(std::vector<std::string> addresses,
                                   absl::string_view port) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()),
                  addresses.end());
  std::vector<BrokerEntry> brokers;
  brokers.reserve(addresses.size());
  for (const std::string& address : addresses) {
    const bool is_v6 = address.find(':') != address.npos;
    brokers.emplace_back().address =
        is_v6 ? absl::StrCat("[", address, "]:", port)
              : absl::StrCat(address, ":", port);
  }
  return brokers;
}

DnsWatch::DnsWatch(absl::string_view address, const DiscoveryOptions& options,
                   HostLookup* lookup, EventLoop* loop, KnownBrokers* known,
                   std::function<double()> random)
    : host_(address.substr(0, address.rfind(':'))),
      port_(address.substr(address.rfind(':') + 1)),
      interval_(options.dns_interval),
      timeout_(options.dns_timeout),
      lookup_(*lookup),
      loop_(*loop),
      known_(*known),
      random_(std::move(random)),
      backoff_(PausesUpTo(options.dns_interval)) {}

void DnsWatch::Ask() {
  timeout_timer_ = loop_.RunAt(loop_.Now() + timeout_, [this] {
    // What is known to be wrong says more than that it still is.
    if (!known_.Status().error.ok()) return;
    known_.Fail(absl::DeadlineExceededError(
        absl::StrCat("cannot look up ", Quoted(host_), ": no answer for ",
                     absl::FormatDuration(timeout_))));
  });
  lookup_.LookUp(host_, [this](HostLookup::Answer answer) {
    loop_.Post([this, answer = std::move(answer)] { OnAnswer(answer); });
  });
}

void DnsWatch::OnAnswer(const HostLookup::Answer& answer) {
  loop_.Cancel(timeout_timer_);
  absl::Duration pause;
  if (answer.ok()) {
    known_.Learn(BrokersAt(*answer, port_));
    backoff_.Reset();
    pause = interval_ * (0.5 + 0.5 * random_());
  } else {
    known_.Fail(answer.status());
    pause = backoff_.Next(random_);
  }
  loop_.RunAt(loop_.Now() + pause, [this] { Ask(); });
}

}  // namespace rmq
