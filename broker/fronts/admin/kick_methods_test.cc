#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Request = pb::KickClientsRequest;

class KickMethodsTest : public AdminFixture {
 protected:
  KickMethodsTest() {
    matching_ = Connect(TestStatement("c1")
                            .Consumer("orders")
                            .Label("zone", "a")
                            .Program(LanguageCode::kGo, 7));
    other_ = Connect(TestStatement("c2").Consumer("others").Producer("pay"));
  }

  int64_t Kick(const Request& request) {
    pb::KickClientsResponse response;
    EXPECT_THAT(Call(request, &response), IsSuccess());
    return response.kicked();
  }
  static Request Where(const std::function<void(Request*)>& set) {
    Request request;
    set(&request);
    return request;
  }
  void ExpectRefused(const Request& request, absl::string_view message) {
    EXPECT_THAT(Call(request), BadFormWith(HasSubstr(message)));
    EXPECT_THAT(matching_->ends(), IsEmpty());
  }

  FakeClientChannelPtr matching_;
  FakeClientChannelPtr other_;
};

class EachCriterion : public KickMethodsTest,
                      public ::testing::WithParamInterface<void (*)(Request*)> {
};

TEST_P(EachCriterion, TakesOutThoseThatMeetItAndNobodyElse) {
  EXPECT_EQ(Kick(Where(GetParam())), 1);
  EXPECT_THAT(matching_->ends(), ElementsAre(RemovalReason::kKicked));
  EXPECT_THAT(other_->ends(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    KickMethodsTest, EachCriterion,
    ::testing::Values([](Request* r) { r->set_client_id("c1"); },
                      [](Request* r) { r->set_group("orders"); },
                      [](Request* r) { (*r->mutable_labels())["zone"] = "a"; },
                      [](Request* r) { r->set_language(pb::LANGUAGE_CODE_GO); },
                      [](Request* r) { r->set_version(7); },
                      [](Request* r) {
                        r->set_remote_address("127.0.0.1");
                        r->set_group("orders");
                      }));

TEST_F(KickMethodsTest, EverybodyIsTakenOutByAll) {
  EXPECT_EQ(Kick(Where([](Request* r) { r->set_all(true); })), 2);
  EXPECT_THAT(matching_->ends(), SizeIs(1));
  EXPECT_THAT(other_->ends(), SizeIs(1));
}

TEST_F(KickMethodsTest, MatchingNobodyIsNoError) {
  EXPECT_EQ(Kick(Where([](Request* r) { r->set_client_id("c3"); })), 0);
}

TEST_F(KickMethodsTest, TheClientIsToldWhyAndForHowLong) {
  Request request;
  request.set_client_id("c1");
  request.set_reason("too loud");
  request.mutable_retry_after()->set_seconds(90);
  Kick(request);
  const ChannelEnd end = matching_->full_ends().at(0);
  EXPECT_EQ(end.retry_after, absl::Seconds(90));
  EXPECT_EQ(end.detail, "too loud");
}

TEST_F(KickMethodsTest, ATimeOfZeroIsNotAnAbsentOne) {
  Request request;
  request.set_client_id("c1");
  request.mutable_retry_after();
  Kick(request);
  EXPECT_EQ(matching_->full_ends().at(0).retry_after, absl::ZeroDuration());
  request.clear_retry_after();
  request.set_client_id("c2");
  Kick(request);
  EXPECT_EQ(other_->full_ends().at(0).retry_after, absl::Minutes(10));
}

TEST_F(KickMethodsTest, NoCriterionIsRefused) {
  ExpectRefused(Request(), "at least one of client_id, group, remote_address");
}

TEST_F(KickMethodsTest, ACriterionBesideAllIsRefused) {
  Request request;
  request.set_all(true);
  request.set_version(0);
  ExpectRefused(request,
                "all must not be set beside a criterion, got "
                "version=0");
}

TEST_F(KickMethodsTest, ATimeIsZeroToADay) {
  Request request;
  request.set_client_id("nobody");
  for (const int64_t taken : {0, 24 * 3600}) {
    request.mutable_retry_after()->set_seconds(taken);
    EXPECT_EQ(Kick(request), 0);
  }
  request.mutable_retry_after()->set_nanos(1);
  ExpectRefused(request, "retry_after must be 0 to 24h, got 24h0.000000001s");
  request.mutable_retry_after()->set_seconds(-1);
  request.mutable_retry_after()->set_nanos(0);
  ExpectRefused(request, "retry_after must be 0 to 24h, got -1s");
}

TEST_F(KickMethodsTest, AReasonIsALineOf256Bytes) {
  Request request;
  request.set_client_id("nobody");
  request.set_reason(std::string(256, 'x'));
  EXPECT_EQ(Kick(request), 0);
  request.set_reason(std::string(257, 'x'));
  ExpectRefused(request, "reason must be at most 256 bytes, got 257");
  request.set_reason("a\nb");
  ExpectRefused(request,
                "reason must be without control characters, got \"a\\nb\"");
}

TEST_F(KickMethodsTest, CriteriaOfBadFormAreNamed) {
  ExpectRefused(Where([](Request* r) { r->set_client_id("\n"); }),
                "client_id must");
  ExpectRefused(Where([](Request* r) { r->set_group("a b"); }), "group must");
  ExpectRefused(Where([](Request* r) { (*r->mutable_labels())["k"] = "\n"; }),
                "labels[\"k\"]");
  ExpectRefused(
      Where([](Request* r) { r->set_language(pb::LanguageCode(-1)); }),
      "language must be a LanguageCode, got -1");
  ExpectRefused(Where([](Request* r) { r->set_remote_address("h:"); }),
                "remote_address must be an IP address, or IP:port");
}

TEST_F(KickMethodsTest, AReleasedClientIsLetInBeforeItsTime) {
  Kick(Where([](Request* r) { r->set_all(true); }));
  const auto comes = [&](const char* id) {
    const auto channel = OpenStream();
    return Register(*channel, TestStatement(id).Consumer("orders")).outcome;
  };
  EXPECT_EQ(comes("c1"), RegisterResult::Outcome::kHeld);
  pb::ReleaseClientsRequest request;
  request.set_client_id("c1");
  pb::ReleaseClientsResponse response;
  EXPECT_THAT(Call(request, &response), IsSuccess());
  EXPECT_EQ(response.released(), 1);
  EXPECT_EQ(comes("c1"), RegisterResult::Outcome::kRegistered);
  EXPECT_EQ(comes("c2"), RegisterResult::Outcome::kHeld);
  request.clear_client_id();
  request.set_all(true);
  EXPECT_THAT(Call(request, &response), IsSuccess());
  EXPECT_EQ(response.released(), 1);
  EXPECT_EQ(comes("c2"), RegisterResult::Outcome::kRegistered);
  EXPECT_THAT(Call(request, &response), IsSuccess());
  EXPECT_EQ(response.released(), 0);
}

TEST_F(KickMethodsTest, AReleaseIsOfOneClientOrOfAll) {
  pb::ReleaseClientsRequest request;
  EXPECT_THAT(Call(request),
              BadFormWith("either client_id or all must be set, got client_id "
                          "\"\" and all false"));
  request.set_client_id("c1");
  request.set_all(true);
  EXPECT_THAT(Call(request),
              BadFormWith("either client_id or all must be set, got client_id "
                          "\"c1\" and all true"));
  request.set_all(false);
  request.set_client_id("\n");
  EXPECT_THAT(Call(request), BadFormWith(HasSubstr("client_id must")));
}

TEST_F(KickMethodsTest, TheGateGetsTheClientAndTheGroup) {
  Request request;
  request.set_client_id("c1");
  request.set_group("orders");
  Kick(request);
  const auto seen = admin_.authorizer().last();
  EXPECT_EQ(seen.call, "KickClients");
  EXPECT_EQ(seen.client_id, "c1");
  EXPECT_THAT(seen.groups, ElementsAre("orders"));
}

}  // namespace
}  // namespace rmq
