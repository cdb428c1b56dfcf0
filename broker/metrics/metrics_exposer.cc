#include "broker/metrics/metrics_exposer.h"

#include <cstddef>
#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

// Scrapers are few.
constexpr size_t kThreads = 1;

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsExposer>> MetricsExposer::Start(
    const std::string& address,
    std::shared_ptr<prometheus::Collectable> collectable) {
  std::unique_ptr<prometheus::Exposer> exposer;
  try {  // The library tells it so.
    exposer = std::make_unique<prometheus::Exposer>(address, kThreads);
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": is the port in use?"));
  }
  exposer->RegisterCollectable(collectable);
  return std::unique_ptr<MetricsExposer>(
      new MetricsExposer(address.substr(0, address.rfind(':')),
                         std::move(exposer), std::move(collectable)));
}

MetricsExposer::MetricsExposer(
    std::string host, std::unique_ptr<prometheus::Exposer> exposer,
    std::shared_ptr<prometheus::Collectable> collectable)
    : host_(std::move(host)),
      exposer_(std::move(exposer)),
      collectable_(std::move(collectable)) {}

std::string MetricsExposer::address() const {
  return absl::StrCat(host_, ":", exposer_->GetListeningPorts().front());
}

}  // namespace rmq
