#include "tests/fronts/random_check.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/shrink_steps.h"

namespace rmq::fronts {
namespace {

// Plays the operations, until something differs. `words` gets what each one
// stated.
std::string PlayAll(const World& world, const model::SdkOptions& options,
                    const std::vector<Operation>& operations,
                    Happened* happened, std::vector<std::string>* words) {
  BothSides both(world, options, happened);
  for (const Operation& operation : operations) {
    std::string difference = both.Play(operation);
    words->push_back(both.words());
    if (!difference.empty()) return difference;
  }
  return both.PlayTheEnd();
}

}  // namespace

absl::optional<Failure> CheckRandomly(uint64_t seed, int64_t worlds,
                                      const model::SdkOptions& options,
                                      Happened* happened) {
  for (const uint64_t end = seed + static_cast<uint64_t>(worlds); seed < end;
       ++seed) {
    const World world = DrawWorld(seed);
    const auto play = [&](const std::vector<Operation>& operations,
                          Happened* its, std::vector<std::string>* words) {
      return PlayAll(world, options, operations, its, words);
    };
    std::vector<std::string> words;
    if (play(DrawOperations(seed), happened, &words).empty()) continue;
    Failure failure;
    failure.seed = seed;
    failure.operations =
        ShrinkSteps(DrawOperations(seed), [&](const auto& operations) {
          Happened unused;
          std::vector<std::string> unread;
          return !play(operations, &unused, &unread).empty();
        });
    Happened unused;
    failure.difference = play(failure.operations, &unused, &failure.words);
    return failure;
  }
  return absl::nullopt;
}

std::string ToString(const Failure& failure) {
  std::string text = absl::StrCat("seed ", failure.seed, "\n");
  for (size_t i = 0; i < failure.operations.size(); ++i) {
    absl::StrAppend(&text, i + 1, ". ", Format(failure.operations[i]));
    if (i < failure.words.size() && !failure.words[i].empty()) {
      absl::StrAppend(&text, ": ", failure.words[i]);
    }
    absl::StrAppend(&text, "\n");
  }
  absl::StrAppend(&text, "the broker differs from the model (-, +): ",
                  failure.difference, "\n");
  return text;
}

}  // namespace rmq::fronts
