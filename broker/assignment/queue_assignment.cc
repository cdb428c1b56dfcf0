#include "broker/assignment/queue_assignment.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "openssl/evp.h"

namespace rmq {
namespace {

// The first four bytes of the MD5, the first byte the highest.
uint32_t HashOf(absl::string_view key) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int size = 0;
  EVP_Digest(key.data(), key.size(), digest, &size, EVP_md5(), nullptr);
  uint32_t hash = 0;
  for (int i = 0; i < 4; ++i) hash = hash << 8 | digest[i];
  return hash;
}

}  // namespace

absl::string_view Name(AssignmentStrategy strategy) {
  switch (strategy) {
    case AssignmentStrategy::kAveragely: return "averagely";
    case AssignmentStrategy::kConsistentHash: return "consistent_hash";
  }
  return "?";
}

absl::optional<AssignmentStrategy> ParseAssignmentStrategy(
    absl::string_view name) {
  for (const auto strategy :
       {AssignmentStrategy::kAveragely, AssignmentStrategy::kConsistentHash}) {
    if (name == Name(strategy)) return strategy;
  }
  return absl::nullopt;
}

QueueRange AllocateAveragely(size_t queues, size_t members, size_t place) {
  const size_t least = queues / members;
  // The first members have one more.
  const size_t with_one_more = queues % members;
  QueueRange range;
  range.first = place * least + std::min(place, with_one_more);
  range.count = least + (place < with_one_more ? 1 : 0);
  return range;
}

std::string QueueKey(absl::string_view topic, absl::string_view broker_name,
                     int32_t queue_id) {
  return absl::StrCat("MessageQueue [topic=", topic,
                      ", brokerName=", broker_name, ", queueId=", queue_id,
                      "]");
}

HashRing::HashRing(absl::Span<const std::string> members) {
  points_.reserve(members.size() * kPlacesOfMember);
  for (size_t i = 0; i < members.size(); ++i) {
    for (int place = 0; place < kPlacesOfMember; ++place) {
      points_.push_back({HashOf(absl::StrCat(members[i], "-", place)),
                         static_cast<uint32_t>(i)});
    }
  }
  // Of two at one hash, the later one counts, as in Java's map.
  std::stable_sort(
      points_.begin(), points_.end(),
      [](const Point& a, const Point& b) { return a.hash < b.hash; });
  size_t kept = 0;
  for (const Point& point : points_) {
    if (kept > 0 && points_[kept - 1].hash == point.hash) --kept;
    points_[kept++] = point;
  }
  points_.resize(kept);
}

size_t HashRing::OwnerOf(absl::string_view queue_key) const {
  const auto next = std::lower_bound(
      points_.begin(), points_.end(), HashOf(queue_key),
      [](const Point& point, uint32_t hash) { return point.hash < hash; });
  return next == points_.end() ? points_.front().member : next->member;
}

}  // namespace rmq
