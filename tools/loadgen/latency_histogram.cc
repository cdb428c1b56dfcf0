#include "tools/loadgen/latency_histogram.h"

#include <algorithm>
#include <cmath>

#include "absl/numeric/bits.h"

namespace rmq::loadgen {
namespace {

// Buckets of one power of two.
constexpr int kBits = 6;
constexpr size_t kHalf = size_t{1} << kBits;
constexpr int64_t kLargest = (int64_t{1} << 32) - 1;

}  // namespace

size_t LatencyHistogram::BucketOf(int64_t us) {
  const auto value =
      static_cast<uint64_t>(std::min(std::max(us, int64_t{0}), kLargest));
  // The leading bits, and by how much they were shifted to get them.
  const int shift =
      std::max(0, static_cast<int>(absl::bit_width(value)) - (kBits + 1));
  return shift * kHalf + (value >> shift);
}

int64_t LatencyHistogram::UpperBound(size_t bucket) {
  if (bucket < 2 * kHalf) return static_cast<int64_t>(bucket);
  const size_t shift = bucket / kHalf - 1;
  const size_t leading = bucket - shift * kHalf;
  return static_cast<int64_t>(((leading + 1) << shift) - 1);
}

LatencyCounts LatencyHistogram::Snapshot() const {
  LatencyCounts snapshot;
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    snapshot.counts_[i] = counts_[i].load(std::memory_order_relaxed);
  }
  return snapshot;
}

void LatencyCounts::Add(const LatencyCounts& other) {
  for (size_t i = 0; i < kLatencyBuckets; ++i) counts_[i] += other.counts_[i];
}

void LatencyCounts::Subtract(const LatencyCounts& other) {
  for (size_t i = 0; i < kLatencyBuckets; ++i) counts_[i] -= other.counts_[i];
}

int64_t LatencyCounts::total() const {
  int64_t total = 0;
  for (const int64_t count : counts_) total += count;
  return total;
}

int64_t LatencyCounts::Quantile(double fraction) const {
  const int64_t all = total();
  const int64_t rank = std::max<int64_t>(
      1, static_cast<int64_t>(std::ceil(fraction * static_cast<double>(all))));
  int64_t seen = 0;
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return LatencyHistogram::UpperBound(i);
  }
  return 0;
}

double LatencyCounts::mean() const {
  double sum = 0;
  for (size_t i = 0; i < kLatencyBuckets; ++i) {
    sum += static_cast<double>(counts_[i]) *
           static_cast<double>(LatencyHistogram::UpperBound(i));
  }
  const int64_t all = total();
  return all == 0 ? 0 : sum / static_cast<double>(all);
}

int64_t LatencyCounts::CountAbove(int64_t us) const {
  int64_t above = 0;
  for (size_t i = LatencyHistogram::BucketOf(us) + 1; i < kLatencyBuckets;
       ++i) {
    above += counts_[i];
  }
  return above;
}

}  // namespace rmq::loadgen
