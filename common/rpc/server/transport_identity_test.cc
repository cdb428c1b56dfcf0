#include "common/rpc/server/transport_identity.h"

#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/types/optional.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/security/test_certificates.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Answers each call with OK, and keeps the identity of the last one.
class IdentityService final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Answer final : public grpc::ServerGenericBidiReactor {
     public:
      Answer() { Finish(grpc::Status::OK); }
      void OnDone() override { delete this; }
    };
    last_ = ReadTransportIdentity(context->c_call());
    return new Answer;
  }

  // Of a call that has ended.
  const TransportIdentity& last() const { return last_; }

 private:
  TransportIdentity last_;
};

class TransportIdentityTest : public ::testing::Test {
 protected:
  // Starts the server. `request`: whether clients need a certificate.
  void Serve(const std::string& address,
             const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, credentials, &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  void ServeTls(grpc_ssl_client_certificate_request_type request) {
    const TestCertificate own = authority_.IssueLocalhost();
    grpc::experimental::TlsServerCredentialsOptions options(
        std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
            authority_.certificate(),
            std::vector<grpc::experimental::IdentityKeyCertPair>{
                {own.key, own.certificate}}));
    options.watch_root_certs();
    options.watch_identity_key_cert_pairs();
    options.set_cert_request_type(request);
    Serve("127.0.0.1:0", grpc::experimental::TlsServerCredentials(options));
  }

  // What the server knows of a caller with this certificate; nothing if the
  // call fails.
  absl::optional<TransportIdentity> Call(
      const absl::optional<TestCertificate>& certificate) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate();
    if (certificate.has_value()) {
      options.pem_cert_chain = certificate->certificate;
      options.pem_private_key = certificate->key;
    }
    return CallWith(absl::StrCat("127.0.0.1:", port_),
                    grpc::SslCredentials(options));
  }
  absl::optional<TransportIdentity> CallWith(
      const std::string& address,
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    // A connection of its own.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(address, credentials, arguments);
    grpc::ClientContext context;
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_seconds(30, GPR_TIMESPAN)));
    const grpc::Slice bytes("request");
    const grpc::ByteBuffer request(&bytes, 1);
    grpc::ByteBuffer response;
    absl::Notification done;
    grpc::Status status;
    grpc::GenericStub(channel).UnaryCall(&context, "/test/Method", {}, &request,
                                         &response, [&](grpc::Status ended) {
                                           status = std::move(ended);
                                           done.Notify();
                                         });
    done.WaitForNotification();
    // The service answers without a message.
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
        status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      return absl::nullopt;
    }
    return service_.last();
  }

  TestAuthority authority_{"the authority"};
  IdentityService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(TransportIdentityTest, APlaintextConnectionNamesNobody) {
  Serve("127.0.0.1:0", PlaintextServerCredentials().Get());
  const auto identity = CallWith(absl::StrCat("127.0.0.1:", port_),
                                 PlaintextChannelCredentials().Get());
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->kind, TransportIdentity::Kind::kPlaintext);
  EXPECT_EQ(identity->spiffe_id, "");
  EXPECT_THAT(identity->dns_names, IsEmpty());
  EXPECT_EQ(identity->common_name, "");
}

TEST_F(TransportIdentityTest, AUnixSocketIsLocal) {
  // TempDir() is longer than the path of a socket may be.
  char directory[] = "/tmp/transport_identity_test.XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string address = absl::StrCat("unix:", directory, "/socket");
  Serve(address, PlaintextServerCredentials().Get());
  const auto identity = CallWith(address, PlaintextChannelCredentials().Get());
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->kind, TransportIdentity::Kind::kLocal);
  EXPECT_EQ(identity->common_name, "");
  server_ = nullptr;  // It removes the socket.
  EXPECT_EQ(rmdir(directory), 0);
}

TEST_F(TransportIdentityTest, ACertificatesNamesAreTold) {
  ServeTls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  TestAuthority::Subject subject;
  subject.common_name = "payments";
  subject.uris = {"spiffe://site/pay"};
  subject.dns_names = {"pay.example", "pay.internal"};
  const auto identity = Call(authority_.Issue(subject));
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->kind, TransportIdentity::Kind::kTls);
  EXPECT_EQ(identity->spiffe_id, "spiffe://site/pay");
  EXPECT_THAT(identity->dns_names, ElementsAre("pay.example", "pay.internal"));
  EXPECT_EQ(identity->common_name, "payments");
}

TEST_F(TransportIdentityTest, ACertificateWithACommonNameOnlyHasNoOtherNames) {
  ServeTls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  TestAuthority::Subject subject;
  subject.common_name = "old";
  const auto identity = Call(authority_.Issue(subject));
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->spiffe_id, "");
  EXPECT_THAT(identity->dns_names, IsEmpty());
  EXPECT_EQ(identity->common_name, "old");
}

TEST_F(TransportIdentityTest, WithoutACertificateTlsNamesNobody) {
  ServeTls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  const auto identity = Call(absl::nullopt);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->kind, TransportIdentity::Kind::kTls);
  EXPECT_EQ(identity->common_name, "");
}

TEST_F(TransportIdentityTest, AnotherAuthoritysCertificateNamesNobody) {
  ServeTls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  TestAuthority other("the authority");
  TestAuthority::Subject subject;
  subject.common_name = "payments";
  EXPECT_FALSE(Call(other.Issue(subject)).has_value());
  EXPECT_TRUE(Call(authority_.Issue(subject)).has_value());
}

TEST_F(TransportIdentityTest, AnExpiredCertificateNamesNobody) {
  ServeTls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  TestAuthority::Subject subject;
  subject.common_name = "payments";
  subject.not_after = -absl::Minutes(1);
  EXPECT_FALSE(Call(authority_.Issue(subject)).has_value());
}

}  // namespace
}  // namespace rmq
