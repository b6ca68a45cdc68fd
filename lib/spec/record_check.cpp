#include "spec/record_check.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "spec/placeholders.h"
#include "spec/program.h"

namespace gracevisor::spec {
namespace {

using base::Expected;
using config::Millis;

Expected<void> check_numbers(const config::App& app) {
  if (app.instances < 1 || app.instances > config::kMostInstances) {
    return base::fail(fmt::format("instances: {} is out of range (allowed: 1 to {})", app.instances,
                                  config::kMostInstances));
  }
  // A wait of zero would be a busy loop.
  for (auto [key, time] :
       {std::pair("health.interval", app.health.interval), std::pair("health.timeout", app.health.timeout),
        std::pair("health.start_timeout", app.health.start_timeout),
        std::pair("deploy.timeout", app.deploy.timeout)}) {
    if (time <= Millis::zero())
      return base::fail(fmt::format("{}: {} ms is out of range", key, time.count()));
  }
  if (app.stop.ladder.empty()) return base::fail("stop: no signal");
  return {};
}

Expected<void> check_listeners(const config::App& app,
                               const std::function<bool(const std::string&)>& has_listener) {
  for (const std::string& name : app.listen) {
    if (!has_listener(name)) return base::fail(fmt::format("listen: there is no listener \"{}\"", name));
  }
  if (!app.listen.empty() && app.routes.empty()) return base::fail("routes: none");
  return {};
}

Expected<void> check_program(const Spec& spec) {
  struct stat st{};
  if (::stat(spec.directory.c_str(), &st) != 0) {
    return base::fail_errno("directory: " + spec.directory.string(), errno);
  }
  if (!S_ISDIR(st.st_mode)) return base::fail_errno("directory: " + spec.directory.string(), ENOTDIR);
  // If it depends on the slot, each incarnation finds its own.
  if (varies(spec, spec.app.command.front())) return {};
  auto found = find_program(spec.program, spec.directory, {});
  if (!found) return base::fail_at("command", found.error());
  return {};
}

}  // namespace

Expected<void> check_record(const Spec& spec, const std::function<bool(const std::string&)>& has_listener) {
  if (auto sound = check_numbers(spec.app); !sound) return sound;
  if (auto sound = check_listeners(spec.app, has_listener); !sound) return sound;
  return check_program(spec);
}

}  // namespace gracevisor::spec
