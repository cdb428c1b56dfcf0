#include "common/rpc/credentials/credentials_source.h"

#include <utility>

namespace rmq {
namespace {

// Credentials that never change.
template <typename Credentials>
class ConstantSource final : public CredentialsSource<Credentials> {
 public:
  explicit ConstantSource(std::shared_ptr<Credentials> credentials)
      : credentials_(std::move(credentials)) {}

  std::shared_ptr<Credentials> Get() override { return credentials_; }
  uint64_t generation() const override { return 1; }

 private:
  const std::shared_ptr<Credentials> credentials_;
};

}  // namespace

ServerCredentialsSource& PlaintextServerCredentials() {
  static auto& source = *new ConstantSource<grpc::ServerCredentials>(
      grpc::InsecureServerCredentials());
  return source;
}

ChannelCredentialsSource& PlaintextChannelCredentials() {
  static auto& source = *new ConstantSource<grpc::ChannelCredentials>(
      grpc::InsecureChannelCredentials());
  return source;
}

}  // namespace rmq
