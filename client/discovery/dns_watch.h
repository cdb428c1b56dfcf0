// Follows the addresses of a host.
#ifndef CLIENT_DISCOVERY_DNS_WATCH_H_
#define CLIENT_DISCOVERY_DNS_WATCH_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/discovery/discovery_options.h"
#include "client/discovery/host_lookup.h"
#include "client/discovery/known_brokers.h"
#include "client/loop/event_loop.h"
#include "common/backoff.h"

namespace rmq {

// The brokers at `addresses`, each once, in the order of the addresses' texts,
// whatever the order of the answer. They have no names: DNS has none, and each
// broker says its own.
std::vector<BrokerEntry> BrokersAt(std::vector<std::string> addresses,
                                   absl::string_view port);

// Asks for the addresses, waits for the answer, and asks again after a pause.
// One question is under way at a time. After an answer the pause is drawn
// evenly from half of DiscoveryOptions::dns_interval to all of it; after
// failures the pauses grow from a second up to that. A failure, also that the
// host has no address, leaves the list that was. A question that is not
// answered within dns_timeout is still waited for, and told as a failure unless
// the one before it failed.
//
// Not thread-safe: a part of `loop`. All that it is given is borrowed.
class DnsWatch {
 public:
  // `address` is "NAME:PORT". `random` returns a number in [0, 1).
  DnsWatch(absl::string_view address, const DiscoveryOptions& options,
           HostLookup* lookup, EventLoop* loop, KnownBrokers* known,
           std::function<double()> random);

  // Asks, now and from now on. Once, by a task of the loop.
  void Ask();

 private:
  void OnAnswer(const HostLookup::Answer& answer);

  const std::string host_;
  const std::string port_;
  const absl::Duration interval_;
  const absl::Duration timeout_;
  HostLookup& lookup_;
  EventLoop& loop_;
  KnownBrokers& known_;
  const std::function<double()> random_;
  Backoff backoff_;
  EventLoop::TimerId timeout_timer_ = 0;
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_DNS_WATCH_H_
