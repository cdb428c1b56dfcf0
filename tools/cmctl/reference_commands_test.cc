// The scripts and the page, read by the programs that they are for.
#include "tools/cmctl/reference_commands.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/cmctl/run_command.h"

namespace rmq::cmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Printed(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCommand(arguments, out, err), kExitOk);
  EXPECT_EQ(err.str(), "");
  return out.str();
}

// What the shell command prints, on standard error too.
std::string Shell(const std::string& command) {
  FILE* const pipe = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  std::string text;
  char buffer[4096];
  size_t size;
  while ((size = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    text.append(buffer, size);
  }
  const int status = pclose(pipe);
  if (status != 0) absl::StrAppend(&text, "status ", status, "\n");
  return text;
}
bool HasProgram(const std::string& name) {
  return std::system(
             absl::StrCat("command -v ", name, " >/dev/null").c_str()) == 0;
}

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

// What bash offers for the last of the words.
std::string BashOffers(const std::vector<std::string>& words) {
  const std::string script =
      WriteFile("cmctl.bash", Printed({"completion", "bash"}));
  const std::string test = WriteFile(
      "complete.bash",
      absl::StrCat("source ", script, "\nCOMP_WORDS=(",
                   absl::StrJoin(words, " ",
                                 [](std::string* out, const std::string& word) {
                                   absl::StrAppend(out, "'", word, "'");
                                 }),
                   ")\nCOMP_CWORD=", words.size() - 1,
                   "\n_cmctl\necho \"${COMPREPLY[*]}\"\n"));
  return Shell("bash " + test);
}

TEST(BashCompletionTest, CommandsAreOffered) {
  EXPECT_EQ(BashOffers({"cmctl", "conn"}), "connections\n");
  EXPECT_EQ(BashOffers({"cmctl", "help", "conn"}), "connections\n");
  EXPECT_THAT(BashOffers({"cmctl", ""}),
              AllOf(HasSubstr("groups"), HasSubstr("completion"),
                    HasSubstr("help"), Not(HasSubstr("--"))));
}

TEST(BashCompletionTest, OptionsOfTheCommandAreOffered) {
  EXPECT_EQ(BashOffers({"cmctl", "groups", "--ki"}), "--kind=\n");
  EXPECT_EQ(BashOffers({"cmctl", "ids", "--ki"}), "\n");
  EXPECT_EQ(BashOffers({"cmctl", "-o", "json", "kick", "--al"}),
            "--all --allow_insecure_credentials=\n");
}

TEST(BashCompletionTest, ValuesAreOfferedAsBashSplitsThem) {
  EXPECT_EQ(BashOffers({"cmctl", "groups", "--kind", "=", "p"}), "producer\n");
  EXPECT_EQ(BashOffers({"cmctl", "groups", "--kind", "="}),
            "consumer producer all\n");
  EXPECT_EQ(BashOffers({"cmctl", "groups", "-o", "y"}), "yaml\n");
  EXPECT_EQ(BashOffers({"cmctl", "why", "g", "-o", ""}), "table json yaml\n");
  EXPECT_EQ(BashOffers({"cmctl", "config", "u"}), "use\n");
}

TEST(BashCompletionTest, FilesAreOfferedWhereOneIsTaken) {
  const std::string path = WriteFile("some-ca.pem", "");
  EXPECT_EQ(BashOffers({"cmctl", "groups", "--tls_ca", "=",
                        path.substr(0, path.size() - 4)}),
            path + "\n");
  EXPECT_EQ(BashOffers({"cmctl", "groups", "--tls_ca", "=", "sys"}),
            "system\n");
}

TEST(ZshCompletionTest, ZshReadsTheScript) {
  if (!HasProgram("zsh")) GTEST_SKIP() << "SKIPPED: there is no zsh";
  const std::string script =
      WriteFile("_cmctl", Printed({"completion", "zsh"}));
  EXPECT_EQ(Shell("zsh -f -n " + script), "");
  EXPECT_EQ(Shell("zsh -f -c 'autoload -U compinit; compinit -D -u; source " +
                  script + "; echo $_comps[cmctl]'"),
            "_cmctl\n");
}

TEST(ZshCompletionTest, TheFirstCompletionOffersCommandsToo) {
  if (!HasProgram("zsh")) GTEST_SKIP() << "SKIPPED: there is no zsh";
  const std::string folder = testing::TempDir() + "/zsh_functions";
  Shell("mkdir -p " + folder);
  WriteFile("zsh_functions/_cmctl", Printed({"completion", "zsh"}));
  const std::string test = WriteFile(
      "complete.zsh", absl::StrCat("fpath=(", folder, " $fpath)\n",
                                   "autoload -U compinit; compinit -D -u\n"
                                   "_describe() { print -l ${(P)2} }\n"
                                   "words=(cmctl ''); CURRENT=2\n"
                                   "$_comps[cmctl]\n"));
  EXPECT_THAT(Shell("zsh -f " + test),
              AllOf(HasSubstr("connections:"), HasSubstr("help:")));
}

TEST(FishCompletionTest, FishOffersCommandsOptionsAndValues) {
  if (!HasProgram("fish")) GTEST_SKIP() << "SKIPPED: there is no fish";
  const std::string script =
      WriteFile("cmctl.fish", Printed({"completion", "fish"}));
  const auto offers = [&script](const std::string& line) {
    return Shell("HOME=" + testing::TempDir() + " fish -N -c 'source " +
                 script + "; complete -C \"" + line + "\"'");
  };
  EXPECT_THAT(offers("cmctl conn"), HasSubstr("connections\t"));
  EXPECT_THAT(offers("cmctl groups --ki"), HasSubstr("--kind"));
  EXPECT_THAT(offers("cmctl groups --kind=p"), HasSubstr("producer"));
}

TEST(CompletionTest, AnotherShellIsToldWhichThereAre) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCommand({"completion", "tcsh"}, out, err), kExitUsage);
  EXPECT_EQ(err.str(),
            "completion takes bash, zsh or fish, got \"tcsh\"; see cmctl help "
            "completion\n");
}

TEST(ManPageTest, ItHasEachCommandAndItsOptions) {
  const std::string page = Printed({"man"});
  EXPECT_THAT(page, AllOf(HasSubstr(".TH CMCTL 1"),
                          HasSubstr(".SS \"connections GROUP\""),
                          HasSubstr(".B \\-\\-kind=consumer|producer"),
                          HasSubstr("consumerConnection \\-g GROUP"),
                          HasSubstr(".SH \"EXIT STATUS\"")));
}

TEST(ManPageTest, GroffHasNothingToComplainAbout) {
  if (!HasProgram("groff")) GTEST_SKIP() << "SKIPPED: there is no groff";
  const std::string page = WriteFile("cmctl.1", Printed({"man"}));
  EXPECT_EQ(Shell("groff -man -ww -Tutf8 -z " + page), "");
  const std::string text = Shell("groff -man -Tascii -P-cbou " + page);
  EXPECT_THAT(text, AllOf(HasSubstr("connections GROUP"),
                          HasSubstr("consumerStatus -g GROUP"),
                          HasSubstr("  brokers {\n")));
}

}  // namespace
}  // namespace rmq::cmctl
