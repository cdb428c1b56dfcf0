#include "tests/conformance/replay.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/java_model.h"
#include "tests/conformance/model_runner.h"
#include "tests/conformance/outcome.h"
#include "tests/conformance/product.h"

namespace rmq::conformance {
namespace {

std::string Place(const Recording& recording, int line,
                  const std::string& what) {
  return absl::StrCat(recording.file, ":", line, ": ", what);
}

// Expressions may be very long.
std::string Shortened(const std::string& text) {
  constexpr size_t kMax = 300;
  if (text.size() <= kMax) return text;
  return absl::StrCat(text.substr(0, kMax), "... (", text.size(), " bytes)");
}

// The operation's inputs in one line.
std::string Inputs(const Operation& operation) {
  Operation inputs = operation;
  inputs.clear_expect();
  inputs.clear_note();
  inputs.clear_quirks();
  return ToJson(inputs);
}

class TraceReplay {
 public:
  // `java` are the switches of the release that was recorded.
  TraceReplay(const Recording& recording, Switches java,
              std::unique_ptr<Product> product, Counting counting)
      : recording_(recording),
        product_(std::move(product)),
        java_(recording.header.config(), java),
        ours_(recording.header.config(), AllSwitches()),
        model_(recording.header.config()) {
    if (counting == Counting::kOff) return;
    for (size_t i = 0; i < AllSwitches().size(); ++i) {
      Switches all_but_one = AllSwitches();
      all_but_one.reset(i);
      all_but_one_.emplace_back(recording.header.config(), all_but_one);
      only_one_.emplace_back(recording.header.config(), java | ~all_but_one);
    }
  }

  ReplayResult Run() {
    for (const TraceLine& line : recording_.operations) Step(line);
    return std::move(result_);
  }

 private:
  void Step(const TraceLine& line) {
    const Operation& operation = line.operation;
    ++result_.operations;
    const Outcome& of_java = java_.Apply(operation);
    Compare(line, "the model of Java differs from the recording (-, +)",
            ComparedWithRecording(operation, operation.expect()),
            ComparedWithRecording(operation, of_java));

    const Outcome& of_product = product_->Apply(operation);
    Outcome expected = ComparedWithProduct(ours_.Apply(operation, of_product));
    const Outcome compared_java = ComparedWithProduct(of_java);
    for (size_t i = 0; i < all_but_one_.size(); ++i) {
      SwitchCount& count = result_.mattered[i];
      const Outcome with = ComparedWithProduct(only_one_[i].Apply(operation));
      if (!AreEqual(compared_java, with)) ++count.added_to_java;
      const Outcome without =
          ComparedWithProduct(all_but_one_[i].Apply(operation, of_product));
      if (!AreEqual(expected, without)) ++count.taken_from_ours;
    }
    Compare(line, "tests/model differs from the model with all switches (-, +)",
            expected, ComparedWithProduct(model_.Apply(operation, of_product)));
    const Outcome got = ComparedWithProduct(of_product);
    AllowAnyOf(got, &expected);
    Compare(line, "the product differs from the model with all switches (-, +)",
            expected, got);
  }

  void Compare(const TraceLine& line, const std::string& what,
               const Outcome& expected, const Outcome& got) {
    const std::vector<std::string> differences = Differences(expected, got);
    if (differences.empty()) return;
    std::string text = absl::StrCat(Place(recording_, line.line, what),
                                    "\n    ", Inputs(line.operation));
    for (const std::string& difference : differences) {
      absl::StrAppend(&text, "\n    ", difference);
    }
    result_.differences.push_back(std::move(text));
  }

  const Recording& recording_;
  const std::unique_ptr<Product> product_;
  JavaModel java_;
  JavaModel ours_;
  ModelRunner model_;
  std::vector<JavaModel> all_but_one_;
  std::vector<JavaModel> only_one_;
  ReplayResult result_;
};

// Lists of expressions are asked of a broker with the filter on.
ReplayResult ReplayExpressions(const Recording& recording, Product* product) {
  ReplayResult result;
  Operation open;
  open.set_op("open_channel");
  open.set_channel("ch1");
  product->Apply(open);
  for (const ExpressionLine& line : recording.expressions) {
    ++result.operations;
    const ExpressionCase& expected = line.expression;
    Operation check;
    check.set_op("check_client_config");
    check.set_channel("ch1");
    Subscription& subscription = *check.mutable_subscription();
    subscription.set_expression_type("SQL92");
    if (expected.has_expression()) {
      subscription.set_sub_string(expected.expression());
    }
    const Outcome got = product->Apply(check);
    if (got.code() == (expected.accepted() ? 0 : 23)) continue;
    result.differences.push_back(absl::StrCat(
        Place(recording, line.line,
              expected.accepted() ? "accepted by Java, refused by the product"
                                  : "refused by Java, accepted by the product"),
        "\n    ", Shortened(ToJson(expected)), "\n    + ",
        Shortened(ToJson(got))));
  }
  return result;
}

Config ConfigOf(const Recording& recording) {
  if (recording.expressions.empty()) return recording.header.config();
  Config config;
  config.set_channel_expired_timeout_ms(120000);
  config.set_enable_property_filter(true);
  return config;
}

// The header is at fault.
ReplayResult Failed(const Recording& recording, const absl::Status& status) {
  ReplayResult result;
  result.differences.push_back(
      Place(recording, 1, std::string(status.message())));
  return result;
}

}  // namespace

ReplayResult Replay(const Recording& recording, Counting counting) {
  absl::StatusOr<std::unique_ptr<Product>> product =
      Product::Create(ConfigOf(recording));
  if (!product.ok()) return Failed(recording, product.status());
  if (!recording.expressions.empty()) {
    return ReplayExpressions(recording, product->get());
  }
  const absl::StatusOr<Switches> java = SwitchesOf(recording.header.rocketmq());
  if (!java.ok()) return Failed(recording, java.status());
  return TraceReplay(recording, *java, *std::move(product), counting).Run();
}

}  // namespace rmq::conformance
