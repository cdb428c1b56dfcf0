// What clients state in an operation, by its bits, for both sides.
#ifndef TESTS_FRONTS_DRAWN_STATEMENTS_H_
#define TESTS_FRONTS_DRAWN_STATEMENTS_H_

#include <cstdint>
#include <string>

#include "apache/rocketmq/v2/definition.pb.h"
#include "broker/registry/test_statement.h"
#include "tests/model/broker_model.h"
#include "tests/model/membership.h"
#include "tests/model/sdk_model.h"

namespace rmq::fronts {

namespace v2 = ::apache::rocketmq::v2;

// Names by their numbers.
std::string ClientId(int who);
std::string Group(int number);
std::string Topic(int number);

// What a native client states at `now`.
TestStatement DrawStatement(const std::string& client_id, uint32_t bits,
                            model::Millis now);
model::Statement ModelOf(const TestStatement& stated);
std::string InWords(const TestStatement& stated);

// An SDK client's settings.
v2::Settings DrawSettings(uint32_t bits);
// What settings state that come at `now`.
model::SdkStated ModelOf(const v2::Settings& settings, model::Millis now);

}  // namespace rmq::fronts

#endif  // TESTS_FRONTS_DRAWN_STATEMENTS_H_
