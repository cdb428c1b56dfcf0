#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "common/client_network.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Request = pb::ListClientsRequest;
using Response = pb::ListClientsResponse;

class ClientListMethodsTest : public AdminFixture {
 protected:
  // The client ids that all pages of two have.
  std::vector<std::string> List(const Request& request) {
    std::vector<std::string> client_ids;
    ReadPages<Response>(request, [&](const Response& response) {
      for (const pb::ListedClient& client : response.clients()) {
        client_ids.push_back(client.client_id());
      }
    });
    return client_ids;
  }
  // The same for a filter that `set` makes.
  std::vector<std::string> ListWhere(
      const std::function<void(pb::ClientFilter*)>& set) {
    Request request;
    set(request.mutable_filter());
    return List(request);
  }
  // A filter that `set` makes is refused with the message.
  void ExpectRefused(const std::function<void(pb::ClientFilter*)>& set,
                     absl::string_view message) {
    Request request;
    set(request.mutable_filter());
    EXPECT_THAT(Call(request), BadFormWith(HasSubstr(message)));
  }
};

TEST_F(ClientListMethodsTest, AnOpenClientIsShownWithAllThatIsKnown) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("c1")
                  .Consumer("orders")
                  .Producer("pay")
                  .Label("zone", "a")
                  .Program(LanguageCode::kGo, 7));
  Response response;
  ASSERT_THAT(Call(Request(), &response), IsSuccess());
  ASSERT_THAT(response.clients(), SizeIs(1));
  const pb::ListedClient& client = response.clients(0);
  EXPECT_EQ(client.client_id(), "c1");
  EXPECT_EQ(client.channel().channel_id(), channel->id());
  EXPECT_EQ(client.channel().remote_address(), "127.0.0.1:50001");
  EXPECT_TRUE(client.channel().stream());
  EXPECT_TRUE(client.channel().writable());
  EXPECT_EQ(client.channel().opened_at().seconds(), 1'000'000);
  EXPECT_EQ(client.language(), pb::LANGUAGE_CODE_GO);
  EXPECT_EQ(client.version(), 7);
  EXPECT_EQ(client.labels().at("zone"), "a");
  EXPECT_THAT(client.consumer_groups(), ElementsAre("orders"));
  EXPECT_THAT(client.producer_groups(), ElementsAre("pay"));
  EXPECT_EQ(client.groups_left_out(), 0);
  EXPECT_FALSE(client.has_closed_at());
  EXPECT_EQ(client.reason(), pb::REMOVAL_REASON_UNSPECIFIED);
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(ClientListMethodsTest, AnOpenClientIsInNoGroupThatItHasLeft) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("c1").Consumer("orders").Producer("pay"));
  table_.Unregister(*channel, "c1", {"pay"}, {"orders"}, now_);
  Response response;
  ASSERT_THAT(Call(Request(), &response), IsSuccess());
  ASSERT_THAT(response.clients(), SizeIs(1));
  EXPECT_THAT(response.clients(0).consumer_groups(), IsEmpty());
  EXPECT_THAT(response.clients(0).producer_groups(), IsEmpty());
}

TEST_F(ClientListMethodsTest, AClosedClientIsShownWithWhenAndWhy) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("c1").Consumer("orders").Label("zone", "a"));
  table_.Close(*channel, RemovalReason::kKicked, now_ + absl::Seconds(5));
  Request request;
  request.mutable_filter()->set_state(pb::ClientFilter::STATE_RECENTLY_CLOSED);
  Response response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  ASSERT_THAT(response.clients(), SizeIs(1));
  const pb::ListedClient& client = response.clients(0);
  EXPECT_EQ(client.client_id(), "c1");
  EXPECT_EQ(client.channel().channel_id(), channel->id());
  EXPECT_EQ(client.channel().remote_address(), "127.0.0.1:50001");
  EXPECT_TRUE(client.channel().stream());
  EXPECT_EQ(client.channel().opened_at().seconds(), 1'000'000);
  EXPECT_FALSE(client.channel().has_last_heard_at());
  EXPECT_EQ(client.labels().at("zone"), "a");
  EXPECT_THAT(client.consumer_groups(), ElementsAre("orders"));
  EXPECT_EQ(client.closed_at().seconds(), 1'000'005);
  EXPECT_EQ(client.reason(), pb::REMOVAL_REASON_KICKED);
  // It is not among the open ones.
  EXPECT_THAT(List(Request()), IsEmpty());
}

TEST_F(ClientListMethodsTest, PagesMakeOneListInEitherOrder) {
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    table_.Close(*Connect(TestStatement(id)), RemovalReason::kDisconnected,
                 now_);
  }
  for (const char* id : {"f", "g", "h"}) Connect(TestStatement(id));
  Request request;
  EXPECT_THAT(List(request), ElementsAre("f", "g", "h"));
  request.set_order(Request::ORDER_NEWEST_FIRST);
  EXPECT_THAT(List(request), ElementsAre("h", "g", "f"));
  request.mutable_filter()->set_state(pb::ClientFilter::STATE_RECENTLY_CLOSED);
  EXPECT_THAT(List(request), ElementsAre("e", "d", "c", "b", "a"));
  request.set_order(Request::ORDER_OLDEST_FIRST);
  EXPECT_THAT(List(request), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(ClientListMethodsTest, EachCriterionFindsItsClients) {
  Connect(TestStatement("a").Consumer("orders").Label("zone", "z1"));
  Connect(TestStatement("b").Producer("orders").Program(LanguageCode::kGo, 3));
  Connect(
      TestStatement("c").Consumer("others").Program(LanguageCode::kJava, 0));
  using Filter = pb::ClientFilter;
  EXPECT_THAT(ListWhere([](Filter* f) { f->set_client_id("b"); }),
              ElementsAre("b"));
  EXPECT_THAT(ListWhere([](Filter* f) { f->set_group("orders"); }),
              ElementsAre("a", "b"));
  EXPECT_THAT(
      ListWhere([](Filter* f) { (*f->mutable_labels())["zone"] = "z1"; }),
      ElementsAre("a"));
  EXPECT_THAT(
      ListWhere([](Filter* f) { f->set_language(pb::LANGUAGE_CODE_GO); }),
      ElementsAre("b"));
  EXPECT_THAT(ListWhere([](Filter* f) { f->set_version(0); }),
              ElementsAre("c"));
  EXPECT_THAT(
      ListWhere([](Filter* f) { f->set_remote_address("127.0.0.1:50001"); }),
      SizeIs(3));
  EXPECT_THAT(ListWhere([](Filter* f) { f->set_remote_address("127.0.0.2"); }),
              IsEmpty());
  EXPECT_THAT(ListWhere([](Filter* f) {
                f->set_group("orders");
                f->set_client_id("c");
              }),
              IsEmpty());
}

TEST_F(ClientListMethodsTest, AnIpv6HostIsFoundInAnyOfItsForms) {
  const auto channel = std::make_shared<FakeClientChannel>(
      ClientChannel::Kind::kStream, "[2001:db8::1]:7");
  ASSERT_TRUE(table_.Open(channel, now_).ok());
  Register(*channel, TestStatement("a"));
  for (const char* address : {"2001:db8::1", "[2001:db8::1]",
                              "[2001:DB8:0::1]:7", "[2001:db8::1]:7"}) {
    EXPECT_THAT(
        ListWhere([&](pb::ClientFilter* f) { f->set_remote_address(address); }),
        ElementsAre("a"))
        << address;
  }
  EXPECT_THAT(ListWhere([](pb::ClientFilter* f) {
                f->set_remote_address("[2001:db8::1]:8");
              }),
              IsEmpty());
}

TEST_F(ClientListMethodsTest, APageThatFindsNobodyLooksAtSoManyAndGoesOn) {
  constexpr int kClients = 32'000;
  for (int i = 0; i < kClients; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)));
  }
  Connect(TestStatement("last").Label("zone", "z"));
  Request request;
  (*request.mutable_filter()->mutable_labels())["zone"] = "z";
  Response response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  EXPECT_THAT(response.clients(), IsEmpty());
  ASSERT_NE(response.next_page_token(), "");
  request.set_page_token(response.next_page_token());
  ASSERT_THAT(Call(request, &response), IsSuccess());
  EXPECT_THAT(response.clients(), SizeIs(1));
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(ClientListMethodsTest, LooksAreTakenOffTheRateOfThePayer) {
  for (int i = 0; i < 800; ++i) Connect(TestStatement(absl::StrCat("c", i)));
  PayerRates::Options options;
  options.max_listed_rows_rate = 50;  // Twice as many at once.
  PayerRates rates(options);
  AdminBroker broker = {Limits(), table_,  policy_, true,
                        clock_,   kicker_, rates};
  broker.watches = &watches_;
  AdminCaller admin(broker);
  Request request;
  request.mutable_filter()->set_version(99);
  Response response;
  // As admin_.Call() has it.
  const Payer payer = PayerOf("", ClientNetworkOf("192.0.2.1:50001"));
  const absl::Time at = absl::FromUnixSeconds(1'000'000);
  ASSERT_THAT(admin.Call(request, &response), IsSuccess());
  EXPECT_FALSE(rates.Check(PayerRates::Kind::kRows, payer, at).ok());
}

TEST_F(ClientListMethodsTest, BadFormIsNamed) {
  using Filter = pb::ClientFilter;
  ExpectRefused([](Filter* f) { f->set_client_id("a b\n"); },
                "filter.client_id must be");
  ExpectRefused([](Filter* f) { f->set_group("a b"); }, "filter.group must");
  ExpectRefused([](Filter* f) { (*f->mutable_labels())[""] = "x"; },
                "labels[\"\"]");
  ExpectRefused([](Filter* f) { f->set_language(pb::LanguageCode(99)); },
                "filter.language must be a LanguageCode, got 99");
  ExpectRefused([](Filter* f) { f->set_state(Filter::State(3)); },
                "filter.state must be STATE_OPEN or STATE_RECENTLY_CLOSED, "
                "got 3");
  ExpectRefused(
      [](Filter* f) { f->set_remote_address(std::string("10.0.0.1\0", 9)); },
      "filter.remote_address must be an IP address");
  Request request;
  request.set_order(Request::Order(3));
  EXPECT_THAT(Call(request),
              BadFormWith(HasSubstr("order must be ORDER_OLDEST_FIRST or")));
}

TEST_F(ClientListMethodsTest, AnAddressThatNobodyCanHaveIsRefused) {
  for (const char* address : {"10.1.2",
                              "10.1.2.3.4",
                              "10.1.2.256",
                              "10.01.2.3",
                              "10.0.0.1:",
                              "10.0.0.1:0",
                              "10.0.0.1:65536",
                              "10.0.0.1:99999",
                              "10.0.0.1:x",
                              "10.0.0.1:05",
                              "10.0.0.1:+5",
                              ":5",
                              "host",
                              "host:99999",
                              "localhost:80",
                              "a b",
                              "[::1",
                              "[::1]x",
                              "[::1]:",
                              "[::1]5",
                              "[::1]:0",
                              "[10.0.0.1]:5",
                              "::g",
                              "1::2::3",
                              "fe80::1%",
                              "10.0.0.1%eth0",
                              "[]",
                              "[]:5",
                              "::ffff:1.2.3",
                              "::ffff:1.2.3.4%eth0"}) {
    SCOPED_TRACE(address);
    ExpectRefused(
        [&](pb::ClientFilter* f) { f->set_remote_address(address); },
        absl::StrCat("filter.remote_address must be an IP address, or IP:port "
                     "with a port of 1 to 65535 ([IP]:port for IPv6), got \"",
                     address, "\""));
  }
}

TEST_F(ClientListMethodsTest, EachSpellingOfAnAddressIsThatOfThePeer) {
  const auto open = [&](absl::string_view client_id, absl::string_view at) {
    const auto channel =
        std::make_shared<FakeClientChannel>(ClientChannel::Kind::kStream, at);
    ASSERT_TRUE(table_.Open(channel, now_).ok());
    Register(*channel, TestStatement(client_id));
  };
  open("v4", "10.0.0.1:65535");
  open("v6", "[2001:db8::a:0:0:1]:1");
  open("local", "[fe80::1%eth0]:7");
  const auto expect = [&](absl::string_view address, const char* client_id) {
    EXPECT_THAT(ListWhere([&](pb::ClientFilter* f) {
                  f->set_remote_address(std::string(address));
                }),
                ElementsAre(client_id))
        << address;
  };
  for (const char* address : {"10.0.0.1", "10.0.0.1:65535", "::ffff:10.0.0.1",
                              "[::FFFF:10.0.0.1]:65535", "::ffff:a00:1"}) {
    expect(address, "v4");
  }
  for (const char* address :
       {"2001:db8::a:0:0:1", "2001:0DB8:0000:0000:000a:0000:0000:0001",
        "2001:db8:0:0:a::1", "[2001:db8:0:0:A::1]", "[2001:db8:0:0:a::1]:1",
        "2001:db8::a:0:0.0.0.1"}) {
    expect(address, "v6");
  }
  for (const char* address :
       {"fe80::1%eth0", "[fe80:0:0::1%eth0]", "[fe80::1%eth0]:7"}) {
    expect(address, "local");
  }
}

TEST_F(ClientListMethodsTest, SixteenLabelsAreTakenAndNoMore) {
  Request request;
  auto& labels = *request.mutable_filter()->mutable_labels();
  for (int i = 0; i < 16; ++i) labels[absl::StrCat("k", i)] = "v";
  EXPECT_THAT(Call(request), IsSuccess());
  labels["one more"] = "v";
  EXPECT_THAT(
      Call(request),
      BadFormWith(HasSubstr("filter.labels must be at most 16, got 17")));
}

TEST_F(ClientListMethodsTest, PagesAreChecked) {
  ExpectPagesAreChecked(Request());
}

TEST_F(ClientListMethodsTest, ATokenOfAnotherFilterOrOrderIsRefused) {
  for (const char* id : {"a", "b", "c"}) Connect(TestStatement(id));
  Request request;
  request.set_page_size(2);
  Response response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  request.set_page_token(response.next_page_token());
  EXPECT_THAT(Call(request), IsSuccess());
  const auto refused =
      BadFormWith(HasSubstr("page_token must be of the same filter and order"));
  Request other = request;
  other.set_order(Request::ORDER_NEWEST_FIRST);
  EXPECT_THAT(Call(other), refused);
  other = request;
  other.mutable_filter()->set_state(pb::ClientFilter::STATE_RECENTLY_CLOSED);
  EXPECT_THAT(Call(other), refused);
  other = request;
  other.mutable_filter()->set_group("orders");
  EXPECT_THAT(Call(other), refused);
  // What is the same in other words.
  other = request;
  other.mutable_filter()->set_state(pb::ClientFilter::STATE_OPEN);
  other.set_order(Request::ORDER_OLDEST_FIRST);
  EXPECT_THAT(Call(other), IsSuccess());
}

TEST_F(ClientListMethodsTest, TheGateGetsWhatTheFilterNames) {
  Request request;
  request.mutable_filter()->set_client_id("c1");
  request.mutable_filter()->set_group("orders");
  ASSERT_THAT(Call(request), IsSuccess());
  const auto seen = admin_.authorizer().last();
  EXPECT_EQ(seen.client_id, "c1");
  EXPECT_THAT(seen.groups, ElementsAre("orders"));
}

}  // namespace
}  // namespace rmq
