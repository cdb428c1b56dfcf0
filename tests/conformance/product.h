// Drives this project's broker core through the operations of a trace: the
// processor, the housekeeping and the look-ups. Channels only record what is
// pushed to them. No gRPC, no thread, no clock but the trace's.
#ifndef TESTS_CONFORMANCE_PRODUCT_H_
#define TESTS_CONFORMANCE_PRODUCT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/conformance/trace.pb.h"

namespace rmq::conformance {

class Product {
 public:
  // InvalidArgument if the broker would refuse the configuration.
  static absl::StatusOr<std::unique_ptr<Product>> Create(const Config& config);
  ~Product();

  // Carries out one operation, without a look at its expectation. A channel's
  // name must have been opened before it is used. The result is valid until the
  // next call.
  const Outcome& Apply(const Operation& operation);

 private:
  class Broker;

  explicit Product(std::unique_ptr<Broker> broker);

  const std::unique_ptr<Broker> broker_;
};

}  // namespace rmq::conformance

#endif  // TESTS_CONFORMANCE_PRODUCT_H_
