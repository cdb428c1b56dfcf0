// Which calls may follow a drain, of which users and addresses.
#include "broker/fronts/admin/drain_followers.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "broker/fronts/admin/drain_method.h"
#include "broker/housekeeping/drain.h"
#include "common/client_network.h"
#include "common/payer.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/response_source.h"
#include "common/rpc/server/response_streams.h"
#include "gmock/gmock.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

class DrainFollowersTest : public AdminFixture {
 protected:
  DrainFollowersTest() {
    broker_.drain = &drain_;
    broker_.drain_followers = &followers_;
  }

  // Asks for a drain of an hour from `host`; the source of the call's
  // responses, if it is let in, lives in `sources_`.
  CallStatus Follow(const std::string& host, const std::string& user = "") {
    pb::DrainRequest request;
    request.mutable_duration()->set_seconds(3600);
    return Ask(host, request, user);
  }
  CallStatus Cancel(const std::string& host) {
    pb::DrainRequest request;
    request.set_cancel(true);
    return Ask(host, request);
  }

  CallStatus Ask(const std::string& host, const pb::DrainRequest& request,
                 const std::string& user = "") {
    grpc::ByteBuffer bytes;
    bool owns_buffer;
    (void)grpc::SerializationTraits<pb::DrainRequest>::Serialize(
        request, &bytes, &owns_buffer);
    const std::string peer = absl::StrCat(host, ":50001");
    const ResponsesMethod method = DrainMethod()(broker_);
    std::shared_ptr<ResponseSource> source;
    CallStatus status = method.answer(
        gate_,
        {method.descriptor,
         {peer, ClientNetworkOf(peer), user},
         {},
         clock_.TimeNow()},
        &bytes, ResponseWaker(std::weak_ptr<ResponseWaker::Sleeper>()),
        &source);
    if (source != nullptr) sources_.push_back(std::move(source));
    return status;
  }

  static auto IsTooMany() {
    return ::testing::AllOf(
        ::testing::Field(&CallStatus::code,
                         absl::StatusCode::kResourceExhausted),
        ::testing::Field(&CallStatus::message,
                         HasSubstr("must be at most 100, and of one user, or "
                                   "from one address, 20")));
  }

  RecordingAuthorizer authorizer_;
  Gate gate_{&authorizer_, CallStatus()};
  Drain drain_{&table_, &notifier_};
  DrainFollowers followers_;
  AdminBroker broker_ = Broker(policy_, /*notifies=*/true);
  std::vector<std::shared_ptr<ResponseSource>> sources_;
};

TEST_F(DrainFollowersTest, OneAddressThatFollowsTooOftenKeepsNoOtherOut) {
  for (size_t i = 0; i < kMostDrainFollowersOfOne; ++i) {
    EXPECT_THAT(Follow("10.0.0.1"), IsSuccess());
  }
  EXPECT_THAT(Follow("10.0.0.1"), IsTooMany());
  EXPECT_THAT(Follow("10.0.0.2"), IsSuccess());
  EXPECT_THAT(Follow("[2001:db8::1]"), IsSuccess());
  EXPECT_EQ(followers_.CountOf(PayerOf("", ClientNetworkOf("10.0.0.1:1"))),
            kMostDrainFollowersOfOne);
  EXPECT_EQ(followers_.CountOf(PayerOf("", ClientNetworkOf("10.0.0.2:1"))), 1);
  EXPECT_EQ(followers_.CountOf(PayerOf("", ClientNetworkOf("10.0.0.3:1"))), 0);
}

TEST_F(DrainFollowersTest, AUserBehindTheAddressOfOthersHasCallsOfHisOwn) {
  for (size_t i = 0; i < kMostDrainFollowersOfOne; ++i) {
    EXPECT_THAT(Follow("10.0.0.1"), IsSuccess());
  }
  for (size_t i = 0; i < kMostDrainFollowersOfOne; ++i) {
    EXPECT_THAT(Follow("10.0.0.1", "ops"), IsSuccess());
  }
  EXPECT_THAT(Follow("10.0.0.2", "ops"), IsTooMany());
}

TEST_F(DrainFollowersTest, AnIpv6NetworkIsOneAddress) {
  for (size_t i = 0; i < kMostDrainFollowersOfOne; ++i) {
    EXPECT_THAT(Follow(absl::StrCat("[2001:db8::", i, "]")), IsSuccess());
  }
  EXPECT_THAT(Follow("[2001:db8::ff]"), IsTooMany());
  EXPECT_THAT(Follow("[2001:db8:0:1::1]"), IsSuccess());
}

TEST_F(DrainFollowersTest, ACallThatIsOverMakesRoomForItsAddress) {
  for (size_t i = 0; i < kMostDrainFollowersOfOne; ++i) {
    EXPECT_THAT(Follow("10.0.0.1"), IsSuccess());
  }
  EXPECT_THAT(Follow("10.0.0.2"), IsSuccess());
  sources_.pop_back();
  EXPECT_THAT(Follow("10.0.0.1"), IsTooMany());
  sources_.pop_back();
  EXPECT_THAT(Follow("10.0.0.1"), IsSuccess());
}

TEST_F(DrainFollowersTest, OfManyAddressesAHundredCallsMayFollow) {
  for (size_t i = 0; i < kMostDrainFollowers; ++i) {
    EXPECT_THAT(Follow(absl::StrCat("10.0.0.", i / 10)), IsSuccess());
  }
  EXPECT_THAT(Follow("10.0.1.1"), IsTooMany());
  // Whoever cancels is let in.
  EXPECT_THAT(Cancel("10.0.1.1"), IsSuccess());
  EXPECT_EQ(drain_.progress().state, DrainState::kServing);
}

TEST_F(DrainFollowersTest, FollowersFromTwoAddressesAreToldTheSame) {
  Connect(TestStatement("c1"));
  EXPECT_THAT(Follow("10.0.0.1"), IsSuccess());
  EXPECT_THAT(Follow("10.0.0.2"), IsSuccess());
  EXPECT_THAT(Cancel("10.0.0.3"), IsSuccess());
  for (const auto& source : sources_) {
    NextResponse next = source->Next(clock_.TimeNow());
    ASSERT_EQ(next.outcome, NextResponse::Outcome::kResponse);
    pb::DrainProgress progress;
    ASSERT_TRUE(grpc::SerializationTraits<pb::DrainProgress>::Deserialize(
                    &next.bytes, &progress)
                    .ok());
    EXPECT_EQ(progress.state(), pb::DrainProgress::STATE_CANCELLED);
    EXPECT_EQ(progress.clients_left(), 1);
    EXPECT_EQ(source->Next(clock_.TimeNow()).outcome,
              NextResponse::Outcome::kEnd);
  }
}

}  // namespace
}  // namespace rmq
