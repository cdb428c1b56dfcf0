// How many calls a server has answered, method by method.
#ifndef COMMON_RPC_SERVER_CALL_COUNTERS_H_
#define COMMON_RPC_SERVER_CALL_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

#include "common/counters_by.h"
#include "google/protobuf/descriptor.h"

namespace rmq {

// The counters of one method. Thread-safe. All counts rise from 0.
class MethodCounters {
 public:
  // The name of the counters of calls that belong to no method, because the
  // server does not have the method.
  static constexpr char kNoMethod[] = "_unknown";

  // `method` is null for calls that belong to no method. `request_code` is the
  // protocol's own number of the method, 0 if it has none.
  MethodCounters(const google::protobuf::MethodDescriptor* method,
                 int request_code)
      : name_(method == nullptr ? kNoMethod : method->name()),
        service_(method == nullptr ? kNoMethod : method->service()->name()),
        request_code_(request_code) {}

  void CountCall() { calls_.fetch_add(1, std::memory_order_relaxed); }

  // Unqualified names.
  const std::string& name() const { return name_; }
  const std::string& service() const { return service_; }
  int request_code() const { return request_code_; }
  // Calls and frames that were answered, whatever the outcome. A streaming
  // method counts its streams.
  int64_t calls() const { return calls_.load(std::memory_order_relaxed); }
  // Errors that calls, frames and streams got, by code.
  CodeCounters& refusals() { return refusals_; }
  const CodeCounters& refusals() const { return refusals_; }

 private:
  const std::string name_;
  const std::string service_;
  const int request_code_;
  std::atomic<int64_t> calls_{0};
  CodeCounters refusals_;
};

// The counters of all methods of a server: as many as descriptors that were
// added, whatever clients call. Add() must not be called once calls come;
// otherwise thread-safe.
class CallCounters {
 public:
  // Returns the protocol's own number of a method; 0 if it has none.
  using RequestCodeOf = int (*)(const google::protobuf::MethodDescriptor&);

  explicit CallCounters(RequestCodeOf request_code_of)
      : request_code_of_(request_code_of) {}

  // The counters of `method`; they live as long as this object.
  MethodCounters& Add(const google::protobuf::MethodDescriptor& method) {
    return methods_.emplace_back(&method, request_code_of_(method));
  }
  // The counters of calls that belong to no method.
  MethodCounters& no_method() { return no_method_; }
  const MethodCounters& no_method() const { return no_method_; }

  // Calls `visit(counters)` for each method in the order of Add(), and then for
  // no_method().
  template <typename Visit>
  void VisitAll(Visit visit) const {
    for (const MethodCounters& method : methods_) visit(method);
    visit(no_method_);
  }

  // Calls and streams that were cut off since their clients did not read.
  std::atomic<int64_t> slow_readers{0};

 private:
  const RequestCodeOf request_code_of_;
  std::deque<MethodCounters> methods_;  // A deque: their addresses stay.
  MethodCounters no_method_{nullptr, 0};
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_CALL_COUNTERS_H_
