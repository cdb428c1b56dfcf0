#include "common/security/server_tls_options.h"

#include "absl/types/optional.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::StartsWith;

ServerTlsOptions Full() {
  ServerTlsOptions options;
  options.cert_file = "cert";
  options.key_file = "key";
  options.client_ca_file = "ca";
  options.client_certificates = ClientCertificates::kRequired;
  options.crl_directory = "lists";
  return options;
}

TEST(ServerTlsOptionsTest, NoneAndAllAndTheOnesBetweenAreTaken) {
  ServerTlsOptions options;
  EXPECT_FALSE(options.is_on());
  EXPECT_THAT(options.Validate(), IsOk());
  options.cert_file = "cert";
  options.key_file = "key";
  EXPECT_TRUE(options.is_on());
  EXPECT_THAT(options.Validate(), IsOk());
  EXPECT_THAT(Full().Validate(), IsOk());
  options = Full();
  options.crl_directory.clear();
  options.client_certificates = ClientCertificates::kOptional;
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(ServerTlsOptionsTest, WhatDoesNotFitTogetherIsNamed) {
  const auto refuses = [](const ServerTlsOptions& options,
                          const std::string& message) {
    EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             StartsWith(message)));
  };
  ServerTlsOptions options = Full();
  options.key_file.clear();
  refuses(options, "tls_key must be given with tls_cert");
  options = Full();
  options.cert_file.clear();
  refuses(options, "tls_cert must be given with tls_key");
  options.key_file.clear();
  refuses(options, "tls_client_ca needs tls_cert");
  options = Full();
  options.client_ca_file.clear();
  refuses(options, "tls_client_cert needs tls_client_ca");
  options = Full();
  options.client_certificates = ClientCertificates::kOff;
  refuses(options, "tls_client_ca needs tls_client_cert to be");
  options.client_ca_file.clear();
  refuses(options, "tls_crl_directory needs tls_client_cert to be");
}

TEST(ServerTlsOptionsTest, NamesAreReadAsTheyAreWritten) {
  for (const ClientCertificates each :
       {ClientCertificates::kOff, ClientCertificates::kOptional,
        ClientCertificates::kRequired}) {
    EXPECT_EQ(ParseClientCertificates(Name(each)), each);
  }
  EXPECT_EQ(ParseClientCertificates("on"), absl::nullopt);
  EXPECT_EQ(ParseClientCertificates(""), absl::nullopt);
}

}  // namespace
}  // namespace rmq
