// How long things took, as counts: to be written by one thread and read by
// others while it is.
#ifndef TOOLS_LOADGEN_LATENCY_HISTOGRAM_H_
#define TOOLS_LOADGEN_LATENCY_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rmq::loadgen {

// Microseconds 0 to 2^32 - 1 (longer counts as that), told apart exactly below
// 128 and to 1/64 of their value above.
inline constexpr size_t kLatencyBuckets = 64 * 27;

// What a histogram held at one time, or between two times.
class LatencyCounts {
 public:
  LatencyCounts() : counts_(kLatencyBuckets) {}

  void Add(const LatencyCounts& other);
  // `other` is an earlier state of the same.
  void Subtract(const LatencyCounts& other);

  int64_t total() const;
  // The value that `fraction` (0 to 1) of all do not exceed, in microseconds;
  // that of 1 is the maximum. An upper bound, by 1/64 at most. 0 if there is
  // none.
  int64_t Quantile(double fraction) const;
  // 0 if there is none.
  double mean() const;
  // How many took longer than so many microseconds, to the buckets' precision.
  int64_t CountAbove(int64_t us) const;

 private:
  friend class LatencyHistogram;
  std::vector<int64_t> counts_;
};

// One thread calls Record(), any thread Snapshot().
class LatencyHistogram {
 public:
  void Record(int64_t us) {
    std::atomic<uint32_t>& count = counts_[BucketOf(us)];
    count.store(count.load(std::memory_order_relaxed) + 1,
                std::memory_order_relaxed);
  }
  LatencyCounts Snapshot() const;

  static size_t BucketOf(int64_t us);
  // The greatest value that goes into a bucket.
  static int64_t UpperBound(size_t bucket);

 private:
  std::array<std::atomic<uint32_t>, kLatencyBuckets> counts_ = {};
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_LATENCY_HISTOGRAM_H_
