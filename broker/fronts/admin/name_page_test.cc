#include "absl/strings/str_cat.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using NamePageTest = AdminFixture;

TEST_F(NamePageTest, WhatIsBehindTheLargestPageIsOnTheNext) {
  TestStatement stated("c1");
  constexpr int kGroups = 1001;
  for (int i = 0; i < kGroups; ++i) {
    stated.Consumer(absl::StrCat("g", i), {{"t"}});
    stated.Producer(absl::StrCat("g", i));
  }
  Connect(stated);
  for (const pb::GroupKind kind :
       {pb::GROUP_KIND_PRODUCER, pb::GROUP_KIND_CONSUMER}) {
    pb::ListGroupsRequest request;
    request.set_kind(kind);
    pb::ListGroupsResponse page;
    EXPECT_THAT(Call(request, &page), IsSuccess());
    EXPECT_EQ(page.groups_size(), kGroups - 1);
    request.set_page_token(page.next_page_token());
    EXPECT_NE(request.page_token(), "");
    EXPECT_THAT(Call(request, &page), IsSuccess());
    EXPECT_EQ(page.groups_size(), 1);
    EXPECT_EQ(page.next_page_token(), "");
  }
  pb::QueryTopicConsumeByWhoRequest request;
  request.set_topic("t");
  pb::QueryTopicConsumeByWhoResponse page;
  Call(request, &page);
  EXPECT_EQ(page.groups_size(), kGroups - 1);
  request.set_page_token(page.next_page_token());
  EXPECT_NE(request.page_token(), "");
  Call(request, &page);
  EXPECT_EQ(page.groups_size(), 1);
  EXPECT_EQ(page.next_page_token(), "");
}

}  // namespace
}  // namespace rmq
