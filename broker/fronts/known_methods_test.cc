// What the rules are asked is known of each method that the fronts serve.
#include <string>

#include "apache/rocketmq/v2/service.pb.h"
#include "broker/auth/method_access.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

TEST(KnownMethodsTest, WhatEachMethodAsksTheRulesIsKnown) {
  int methods = 0;
  for (const google::protobuf::FileDescriptor* const file :
       {apache::rocketmq::v2::HeartbeatRequest::descriptor()->file(),
        rocketmq::clientmanager::v1::HeartbeatRequest::descriptor()->file(),
        rocketmq::clientmanager::v1::DrainRequest::descriptor()->file(),
        grpc::health::v1::HealthCheckRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const std::string& name = file->service(i)->method(j)->full_name();
        EXPECT_TRUE(AccessOf(name).has_value()) << name;
        ++methods;
      }
    }
  }
  EXPECT_GE(methods, 29 + 17);
}

}  // namespace
}  // namespace rmq
