// The operator's command line: asks a broker's client manager, and shows the
// answer. `cmctl --help` tells the commands.

#include <iostream>
#include <string>
#include <vector>

#include "glog/logging.h"
#include "grpc/support/log.h"
#include "tools/cmctl/console.h"
#include "tools/cmctl/run_command.h"

int main(int argc, char** argv) {
  // What matters to the operator comes back as a status.
  gpr_set_log_function([](gpr_log_func_args*) {});
  FLAGS_minloglevel = google::GLOG_FATAL;
  return rmq::cmctl::RunCommand(std::vector<std::string>(argv + 1, argv + argc),
                                std::cout, std::cerr,
                                rmq::cmctl::ProcessConsole());
}
