#include "client/session/stream_groups.h"

#include <utility>

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using Names = absl::btree_set<std::string>;

// Moves the names that are not wanted from `stated` to `to_unregister`, and
// those that are wanted back.
void MoveUnwanted(const Names& wanted, Names* stated, Names* to_unregister) {
  for (const std::string& group : wanted) {
    if (to_unregister->erase(group) > 0) stated->insert(group);
  }
  for (auto it = stated->begin(); it != stated->end();) {
    if (wanted.contains(*it)) {
      ++it;
      continue;
    }
    to_unregister->insert(*it);
    it = stated->erase(it);
  }
}

void InsertUnlessIn(const Names& stated, const Names& groups, Names* to) {
  for (const std::string& group : groups) {
    if (!stated.contains(group)) to->insert(group);
  }
}

void AddGroup(const std::string& group, std::string* first,
              google::protobuf::RepeatedPtrField<std::string>* others) {
  if (first->empty()) {
    *first = group;
  } else {
    *others->Add() = group;
  }
}

}  // namespace

void StreamGroups::AddStated(const HeartbeatRequest& statement) {
  for (const v1::ProducerData& producer : statement.producers()) {
    stated_.producers.insert(producer.group());
  }
  for (const v1::ConsumerData& consumer : statement.consumers()) {
    stated_.consumers.insert(consumer.group());
  }
}

void StreamGroups::KeepOnly(const HeartbeatRequest* statement) {
  GroupNames wanted;
  if (statement != nullptr) {
    for (const v1::ProducerData& producer : statement->producers()) {
      wanted.producers.insert(producer.group());
    }
    for (const v1::ConsumerData& consumer : statement->consumers()) {
      wanted.consumers.insert(consumer.group());
    }
  }
  MoveUnwanted(wanted.producers, &stated_.producers, &to_unregister_.producers);
  MoveUnwanted(wanted.consumers, &stated_.consumers, &to_unregister_.consumers);
  for (const std::string& group : to_unregister_.consumers) {
    reported_.erase(group);
  }
}

bool StreamGroups::OneRequestTakesAll() const {
  GroupNames rest = to_unregister_;
  TakeRequest(&rest);
  return rest.empty();
}

GroupNames StreamGroups::TakeRequest(GroupNames* groups) const {
  constexpr size_t kBytesBesideAName = 4;  // Its tag and length.
  constexpr size_t kBytesBesideNames = 32;
  GroupNames taken;
  size_t count = 0;
  size_t bytes = kBytesBesideNames;
  const auto take = [&](Names* from, Names* to) {
    while (!from->empty()) {
      const size_t size = from->begin()->size() + kBytesBesideAName;
      const bool fits = takes_many_
                            ? count == 0 || (count < kMaxGroupsInOneRequest &&
                                             bytes + size <= max_request_bytes_)
                            : to->empty();
      if (!fits) return;
      ++count;
      bytes += size;
      to->insert(std::move(from->extract(from->begin()).value()));
    }
  };
  take(&groups->producers, &taken.producers);
  take(&groups->consumers, &taken.consumers);
  return taken;
}

void StreamGroups::UnregisterAgain(const GroupNames& groups) {
  InsertUnlessIn(stated_.producers, groups.producers,
                 &to_unregister_.producers);
  InsertUnlessIn(stated_.consumers, groups.consumers,
                 &to_unregister_.consumers);
}

bool StreamGroups::AddReported(const std::string& group) {
  return IsStatedConsumer(group) && reported_.insert(group).second;
}

v1::UnregisterClientRequest UnregisterRequestOf(const GroupNames& groups) {
  v1::UnregisterClientRequest request;
  for (const std::string& group : groups.producers) {
    AddGroup(group, request.mutable_producer_group(),
             request.mutable_producer_groups());
  }
  for (const std::string& group : groups.consumers) {
    AddGroup(group, request.mutable_consumer_group(),
             request.mutable_consumer_groups());
  }
  return request;
}

}  // namespace rmq
