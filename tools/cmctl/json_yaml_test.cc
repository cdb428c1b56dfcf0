#include "tools/cmctl/json_yaml.h"

#include "gtest/gtest.h"

namespace rmq::cmctl {
namespace {

TEST(JsonYamlTest, MembersStandEachOnALineInTheirOrder) {
  EXPECT_EQ(YamlOfJson("{\n\"b\": true,\n\"a\": -1.5,\"c\":null}\n"),
            "b: true\na: -1.5\nc: null\n");
}

TEST(JsonYamlTest, ElementsStandBehindDashes) {
  EXPECT_EQ(YamlOfJson(R"({"ids": [ "a", "b" ], "none": [], "empty": {}})"),
            "ids:\n  - a\n  - b\nnone: []\nempty: {}\n");
}

TEST(JsonYamlTest, ObjectsInArraysBeginBehindTheDash) {
  EXPECT_EQ(YamlOfJson(R"({"groups":[{"group":"g","labels":{"zone":"a"}},
                                     {"group":"h","ids":["x",{"k":[]}]}]})"),
            "groups:\n"
            "  - group: g\n"
            "    labels:\n"
            "      zone: a\n"
            "  - group: h\n"
            "    ids:\n"
            "      - x\n"
            "      - k: []\n");
}

TEST(JsonYamlTest, ATextThatCouldBeSomethingElseStaysQuoted) {
  EXPECT_EQ(YamlOfJson(R"({"a":["7","true","No","","a b","a:b","-","n\"\n",
                                "1e3","a.b-c/d_e","null","#x"]})"),
            "a:\n"
            "  - \"7\"\n"
            "  - \"true\"\n"
            "  - \"No\"\n"
            "  - \"\"\n"
            "  - \"a b\"\n"
            "  - \"a:b\"\n"
            "  - \"-\"\n"
            "  - \"n\\\"\\n\"\n"
            "  - \"1e3\"\n"
            "  - a.b-c/d_e\n"
            "  - \"null\"\n"
            "  - \"#x\"\n");
}

TEST(JsonYamlTest, AnEmptyObjectIsOne) { EXPECT_EQ(YamlOfJson("{}"), "{}\n"); }

}  // namespace
}  // namespace rmq::cmctl
