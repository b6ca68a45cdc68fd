// gracevisord: a process supervisor and an HTTP load balancer in one program.
#include <cstdio>
#include <utility>

#include "below_keeper.h"
#include "check.h"
#include "config/describe.h"
#include "configuration.h"
#include "daemon.h"
#include "daemonize.h"
#include "descriptors.h"
#include "exit_status.h"
#include "import.h"
#include "options.h"
#include "signals.h"
#include "succession/channel.h"

namespace {

using namespace gracevisor;

using daemon::complain;
using daemon::kFailed;
using daemon::kUsage;

int fail(const base::Error& error, int status = kFailed) {
  complain("gracevisord: " + error.what);
  return status;
}

int check(const daemon::Options& options) {
  const auto file = daemon::find_configuration(options);
  return file ? daemon::check(*file, daemon::owner_of(options), options) : kUsage;
}

// Whatever fails is said to the daemon that waits for it, too.
int run_as_successor(const daemon::Options& options, daemon::Found found, const daemon::OpenFiles& files) {
  const auto copy = base::duplicate(found.channel.get());
  const auto give_up = [&copy](const base::Error& error, int status = kFailed) {
    if (copy) (void)succession::send(copy->get(), succession::Said{error.what});
    return fail(error, status);
  };
  auto configuration = daemon::successor_configuration(options, found);
  if (!configuration) return give_up(configuration.error(), kUsage);
  daemon::hold_signals();
  auto daemon = daemon::Daemon::create({.config_file = std::move(configuration->file),
                                        .config = std::move(configuration->config),
                                        .background = options.daemonize,
                                        .pid_file = options.pid_file,
                                        .files = files},
                                       std::move(found));
  if (!daemon) return give_up(daemon.error());
  return (*daemon)->run();
}

// Below the keeper.
int run_below_keeper(const daemon::Options& options, keeper::Client client) {
  daemon::leave_terminal();
  // Before the keeper is met, which passes on all that it holds.
  auto files = daemon::raise_open_files();
  if (!files) return fail(files.error());
  auto found = daemon::meet_keeper(std::move(client));
  if (!found) return fail(found.error());
  if (found->successor()) return run_as_successor(options, std::move(*found), *files);
  auto configuration = daemon::configuration(options, *found);
  if (!configuration) return kUsage;

  daemon::hold_signals();
  const bool fresh = options.fresh && !found->restarted();
  // What runs goes on with what there is.
  auto enough = daemon::expect_descriptors(configuration->config, *files, fresh);
  if (!enough && !found->restarted()) return fail(enough.error(), kUsage);
  auto daemon = daemon::Daemon::create({.config_file = std::move(configuration->file),
                                        .config = std::move(configuration->config),
                                        .fresh = fresh,
                                        .safe = options.safe,
                                        .background = options.daemonize,
                                        .pid_file = options.pid_file,
                                        .files = *files},
                                       std::move(*found));
  if (!daemon) return fail(daemon.error());
  if (options.stop) (*daemon)->stop();
  return (*daemon)->run();
}

}  // namespace

int main(int argc, char** argv) {
  daemon::ignore_signals();
  daemon::Parsed parsed = daemon::parse_options(argc, argv);
  if (parsed.exit) return *parsed.exit;
  const daemon::Options& options = parsed.options;
  if (options.defaults) {
    (void)std::fprintf(stdout, "%s\n", config::defaults_text().c_str());
    return 0;
  }
  if (!options.import.empty()) return daemon::import_file(options);
  if (options.check) return check(options);
  if (auto client = keeper::Client::from_environment()) return run_below_keeper(options, std::move(*client));
  if (options.daemonize) return daemon::daemonize(argv);
  return fail(daemon::become_keeper(argv));
}
