#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/connections.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Request = pb::ListPeersRequest;
using Response = pb::ListPeersResponse;

class PeerMethodsTest : public AdminFixture {
 protected:
  ConnectionPtr Open(const std::string& peer) {
    ConnectionRefusal refusal;
    return connections_.Open(peer, nullptr, clock_.TimeNow(), &refusal);
  }
  // The addresses of all peers, read in pages of two.
  std::vector<std::string> Listed() {
    std::vector<std::string> listed;
    ReadPages<Response>(Request(), [&](const Response& page) {
      for (const pb::ConnectedPeer& peer : page.peers()) {
        listed.push_back(peer.remote_address());
      }
    });
    return listed;
  }
};

TEST_F(PeerMethodsTest, ABrokerWithoutConnectionsListsNone) {
  Response response;
  EXPECT_THAT(Call(Request(), &response), IsSuccess());
  EXPECT_THAT(response.peers(), IsEmpty());
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(PeerMethodsTest, APeerIsShownWithWhatHasCome) {
  const ConnectionPtr connection = Open("192.0.2.1:40001");
  ConnectionCall answered;
  ConnectionCall wasted;
  for (ConnectionCall* const call : {&answered, &wasted}) {
    ASSERT_TRUE(
        call->Begin(&connections_, "192.0.2.1:40001", clock_.TimeNow()).ok());
  }
  answered.NoteMessage(30);
  wasted.End(clock_.TimeNow());
  Response response;
  EXPECT_THAT(Call(Request(), &response), IsSuccess());
  ASSERT_THAT(response.peers(), SizeIs(1));
  const pb::ConnectedPeer& peer = response.peers(0);
  EXPECT_EQ(peer.remote_address(), "192.0.2.1:40001");
  EXPECT_EQ(peer.connected_at().seconds(), 1'000'000);
  EXPECT_EQ(peer.messages(), 1);
  EXPECT_EQ(peer.message_bytes(), 30);
  EXPECT_EQ(peer.calls(), 2);
  EXPECT_EQ(peer.open_calls(), 1);
  EXPECT_EQ(peer.wasted_calls(), 1);
  answered.End(clock_.TimeNow());
}

TEST_F(PeerMethodsTest, APeerIsShownWithItsUser) {
  const auto listed = [this] {
    Response response;
    EXPECT_THAT(Call(Request(), &response), IsSuccess());
    return response.peers(0);
  };
  const ConnectionPtr connection = Open("192.0.2.1:40001");
  connection->NoteUser("");
  EXPECT_EQ(listed().principal(), "");
  connection->NoteUser("pay");
  connection->NoteUser("pay");
  EXPECT_EQ(listed().principal(), "pay");
  EXPECT_FALSE(listed().several_principals());
  connection->NoteUser("bill");
  EXPECT_EQ(listed().principal(), "pay");
  EXPECT_TRUE(listed().several_principals());
}

TEST_F(PeerMethodsTest, PagesGoOnThoughTheirLastConnectionIsClosed) {
  std::vector<ConnectionPtr> open;
  for (int i = 1; i <= 5; ++i) open.push_back(Open(absl::StrCat("h:", i)));
  EXPECT_THAT(Listed(), ElementsAre("h:1", "h:2", "h:3", "h:4", "h:5"));
  Request request;
  request.set_page_size(2);
  Response response;
  ASSERT_THAT(Call(request, &response), IsSuccess());
  connections_.Close(open[1]);
  request.set_page_token(response.next_page_token());
  ASSERT_THAT(Call(request, &response), IsSuccess());
  ASSERT_THAT(response.peers(), SizeIs(2));
  EXPECT_EQ(response.peers(0).remote_address(), "h:3");
}

TEST_F(PeerMethodsTest, AFullLastPageHasNoToken) {
  const ConnectionPtr a = Open("h:1");
  const ConnectionPtr b = Open("h:2");
  Request request;
  request.set_page_size(2);
  Response response;
  EXPECT_THAT(Call(request, &response), IsSuccess());
  EXPECT_THAT(response.peers(), SizeIs(2));
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(PeerMethodsTest, PagesAreChecked) { ExpectPagesAreChecked(Request()); }

}  // namespace
}  // namespace rmq
