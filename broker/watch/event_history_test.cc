#include "broker/watch/event_history.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/watch/kept_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

EventHistory::Options Keeps(size_t events) {
  EventHistory::Options options;
  options.watch_history = events;
  return options;
}

class EventHistoryTest : public ::testing::Test {
 protected:
  // `count` events of one revision, delivered.
  static void Add(EventHistory* history, uint64_t revision, int count = 1,
                  const std::string& group = "orders") {
    for (int i = 0; i < count; ++i) {
      history->OnClientEvent(Event(revision, group));
    }
    history->OnEventsDelivered();
  }
  static ClientEvent Event(uint64_t revision,
                           const std::string& group = "orders") {
    ClientEvent event;
    event.type = EventType::kClientRegister;
    event.kind = GroupKind::kConsumer;
    event.revision = revision;
    event.group = group;
    return event;
  }

  // The revisions of the events from `position` on.
  static std::vector<uint64_t> Read(const EventHistory& history,
                                    EventHistory::Position position,
                                    size_t max = 100) {
    std::vector<KeptEventPtr> events;
    EventHistory::Range range;
    EXPECT_TRUE(history.Read(max, &position, &events, &range));
    std::vector<uint64_t> revisions;
    for (const KeptEventPtr& event : events) {
      revisions.push_back(event->revision);
    }
    return revisions;
  }
  static EventHistory::Position Find(const EventHistory& history,
                                     uint64_t revision) {
    EventHistory::Range range;
    return history.Find(revision, &range);
  }
};

TEST_F(EventHistoryTest, BeforeTheFirstEventTheFirstRevisionIsToCome) {
  const EventHistory history(Keeps(3));
  EXPECT_EQ(history.range().oldest, 1);
  EXPECT_EQ(history.range().last, 0);
  EXPECT_THAT(Read(history, Find(history, 1)), IsEmpty());
}

TEST_F(EventHistoryTest, EventsAreReadFromARevisionOn) {
  EventHistory history(Keeps(10));
  Add(&history, 2, 2);
  Add(&history, 5);
  EXPECT_THAT(Read(history, Find(history, 1)), ElementsAre(2, 2, 5));
  EXPECT_THAT(Read(history, Find(history, 2)), ElementsAre(2, 2, 5));
  EXPECT_THAT(Read(history, Find(history, 3)), ElementsAre(5));
  EXPECT_THAT(Read(history, Find(history, 6)), IsEmpty());
  EXPECT_EQ(history.range().last, 5);
}

TEST_F(EventHistoryTest, NoMoreAreReadThanAreWanted) {
  EventHistory history(Keeps(10));
  Add(&history, 1, 3);
  EXPECT_THAT(Read(history, Find(history, 1), 2), ElementsAre(1, 1));
}

TEST_F(EventHistoryTest, AnEventIsReadOnceItsDeliveryIsOver) {
  EventHistory history(Keeps(10));
  history.OnClientEvent(Event(1));
  EXPECT_THAT(Read(history, Find(history, 1)), IsEmpty());
  EXPECT_EQ(history.range().last, 0);
  history.OnEventsDelivered();
  EXPECT_THAT(Read(history, Find(history, 1)), ElementsAre(1));
}

TEST_F(EventHistoryTest, OneEventTooManyForgetsTheOldestRevision) {
  EventHistory history(Keeps(4));
  Add(&history, 1, 2);
  Add(&history, 2, 2);
  EXPECT_EQ(history.range().oldest, 1);
  Add(&history, 3);
  EXPECT_EQ(history.range().oldest, 2);
  EXPECT_EQ(history.size().events, 3);  // Revisions are forgotten whole.
  EXPECT_THAT(Read(history, Find(history, 2)), ElementsAre(2, 2, 3));
}

TEST_F(EventHistoryTest, AReaderOfAForgottenEventIsToldSo) {
  EventHistory history(Keeps(2));
  EventHistory::Position position = Find(history, 1);
  Add(&history, 1);
  Add(&history, 2);
  Add(&history, 3);
  std::vector<KeptEventPtr> events;
  EventHistory::Range range;
  EXPECT_FALSE(history.Read(10, &position, &events, &range));
  EXPECT_EQ(range.oldest, 2);
}

TEST_F(EventHistoryTest, ARevisionThatDoesNotFitIsNotThereAtAll) {
  EventHistory history(Keeps(2));
  Add(&history, 1, 3);
  EXPECT_EQ(history.range().oldest, 2);
  EXPECT_EQ(history.range().last, 1);
  EXPECT_EQ(history.size().events, 0);
  Add(&history, 2);
  EXPECT_THAT(Read(history, Find(history, 2)), ElementsAre(2));
}

TEST_F(EventHistoryTest,
       WhoBeginsWhileUndeliveredEventsAreForgottenMissesThem) {
  EventHistory history(Keeps(1));
  history.OnClientEvent(Event(1));
  history.OnClientEvent(Event(2));
  EventHistory::Position position = Find(history, UINT64_MAX);
  history.OnEventsDelivered();
  std::vector<KeptEventPtr> events;
  EventHistory::Range range;
  EXPECT_FALSE(history.Read(10, &position, &events, &range));
}

TEST_F(EventHistoryTest, TheBytesOfTheEventsAreBounded) {
  const size_t of_one = KeptEvent(Event(1, std::string(100, 'a'))).bytes();
  EventHistory history(Keeps(100), 2 * of_one);
  Add(&history, 1, 1, std::string(100, 'a'));
  Add(&history, 2, 1, std::string(100, 'a'));
  EXPECT_EQ(history.size().events, 2);
  Add(&history, 3, 1, "a");
  EXPECT_EQ(history.size().events, 2);
  EXPECT_EQ(history.range().oldest, 2);
}

TEST_F(EventHistoryTest, AnEventKeepsEachOfItsTexts) {
  ClientEvent event = Event(1);
  event.client_id = "c1";
  event.detail = "a detail";
  event.channel = std::make_shared<FakeClientChannel>();
  const KeptEvent kept(event);
  EXPECT_EQ(kept.group(), "orders");
  EXPECT_EQ(kept.client_id(), "c1");
  EXPECT_EQ(kept.remote_address(), event.channel->remote_address());
  EXPECT_THAT(kept.remote_address(), Not(IsEmpty()));
  EXPECT_EQ(kept.detail(), "a detail");
}

TEST_F(EventHistoryTest, AnEventWithoutAChannelHasNoAddress) {
  ClientEvent event = Event(1, "");
  event.client_id = "c1";
  event.detail = "a detail";
  const KeptEvent kept(event);
  EXPECT_THAT(kept.group(), IsEmpty());
  EXPECT_EQ(kept.client_id(), "c1");
  EXPECT_THAT(kept.remote_address(), IsEmpty());
  EXPECT_EQ(kept.detail(), "a detail");
}

TEST_F(EventHistoryTest, AChangeIsNotKeptButItsRevisionCounts) {
  EventHistory history(Keeps(10));
  ClientEvent change = Event(4);
  change.type = EventType::kChange;
  history.OnClientEvent(change);
  history.OnEventsDelivered();
  EXPECT_EQ(history.range().last, 4);
  EXPECT_EQ(history.size().events, 0);
}

TEST_F(EventHistoryTest, TheListenerIsCalledOnceADelivery) {
  EventHistory history(Keeps(10));
  int news = 0;
  history.set_listener([&news] { ++news; });
  Add(&history, 1, 3);
  EXPECT_EQ(news, 1);
  history.OnEventsDelivered();  // Nothing is new.
  EXPECT_EQ(news, 1);
}

TEST_F(EventHistoryTest, TheNumberOfEventsHasBounds) {
  EXPECT_TRUE(Keeps(1'000).Validate().ok());
  EXPECT_TRUE(Keeps(10'000'000).Validate().ok());
  EXPECT_THAT(std::string(Keeps(999).Validate().message()),
              HasSubstr("watch_history must be 1000 to 10000000, got 999"));
  EXPECT_FALSE(Keeps(10'000'001).Validate().ok());
}

}  // namespace
}  // namespace rmq
