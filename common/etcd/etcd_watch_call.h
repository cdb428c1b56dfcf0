// One Watch call of etcd.
#ifndef COMMON_ETCD_ETCD_WATCH_CALL_H_
#define COMMON_ETCD_ETCD_WATCH_CALL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/etcd/etcd_calls.h"
#include "common/etcd/etcd_transport.h"
#include "etcd/api/etcdserverpb/rpc.grpc.pb.h"
#include "grpc/support/time.h"
#include "grpcpp/support/async_stream.h"

namespace rmq {

// The first key beyond those with the prefix, which must not be empty.
std::string EndOfPrefix(absl::string_view prefix);

// Thread-safety: as EtcdWatch. `transport` is borrowed.
class EtcdWatchCall final : public EtcdWatch {
 public:
  explicit EtcdWatchCall(EtcdTransport* transport);
  // Cancels the call, and waits for its end: briefly, without the network.
  ~EtcdWatchCall() override;

  // To be called once, for EtcdTransport::Try(): waits until etcd watches.
  absl::Status Open(const std::string& prefix, int64_t from_revision);

  absl::StatusOr<std::vector<EtcdChange>> Next(absl::Duration timeout) override;

 private:
  using Stream = grpc::ClientAsyncReaderWriter<etcdserverpb::WatchRequest,
                                               etcdserverpb::WatchResponse>;

  // An operation, which is under way from Begin() until `done`.
  struct Operation {
    bool done = true;
    bool ok = false;
    void* Begin() {
      done = false;
      return EtcdTransport::Tag(&done, &ok);
    }
  };

  // Waits for the next response. Returns false if there is none by `deadline`.
  absl::StatusOr<bool> Read(gpr_timespec deadline);
  // Waits for the end of the call, which is over or was cancelled, and returns
  // why it ended.
  absl::Status End();

  EtcdTransport& transport_;
  EtcdTransport::Call call_;
  std::unique_ptr<Stream> stream_;
  etcdserverpb::WatchResponse response_;
  Operation start_;
  Operation write_;
  Operation read_;
  bool finished_ = false;
};

}  // namespace rmq

#endif  // COMMON_ETCD_ETCD_WATCH_CALL_H_
