// How the supervisor reads the files that an app names (spec/file_reader.h), and checks the locations of its
// logs and sockets by the same rules before anything is opened. Thread: the supervisor's; calls block on the
// disk, and on gv-exec where they need it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/safe_path.h"
#include "config/config.h"
#include "output/log_opener.h"
#include "process/cgroup_home.h"
#include "spawn/launcher.h"
#include "spawn/plan.h"
#include "spec/file_reader.h"
#include "spec/spec.h"

namespace gracevisor::supervise {

class FileAccess {
 public:
  // Makes no trust checks.
  FileAccess() = default;
  // `launcher` outlives this; null: nothing is read with another user's rights. `sockets`: the folder of the
  // apps' own sockets; empty: it is not looked at.
  // `cgroups` outlives it too; null: what needs one is found at the start.
  FileAccess(base::PathTrust trust, const spawn::Launcher* launcher, std::string sockets = {},
             const process::CgroupHome* cgroups = nullptr)
      : trust_(std::move(trust)),
        reader_(trust_, launcher),
        opener_(trust_, std::nullopt, launcher),
        launcher_(launcher),
        sockets_(std::move(sockets)),
        cgroups_(cgroups) {}

  [[nodiscard]] const spec::FileReader& reader() const { return reader_; }
  // What an app would be started with, by all rules: spec::freeze, check_logs. Starts nothing.
  [[nodiscard]] base::Expected<spec::SpecRef> freeze(const config::App& app, const config::Places& places,
                                                     std::vector<config::Listener> listeners,
                                                     std::vector<std::string>& hints) const;
  // The preflight of an app that is about to be started: the same, try_sinks, and a trial of its limits and
  // privileges, for which gv-exec runs.
  [[nodiscard]] base::Expected<spec::SpecRef> preflight(const config::App& app, const config::Places& places,
                                                        std::vector<config::Listener> listeners,
                                                        std::vector<std::string>& hints) const;
  // May the app's logs be opened? The error begins with the key: "app.web.log.stdout: …".
  [[nodiscard]] base::Expected<void> check_logs(const config::App& app,
                                                const std::optional<spawn::Credentials>& user) const;
  // Connects to the app's sinks. That nobody listens there now is a hint: they may do so later.
  void try_sinks(const config::App& app, std::vector<std::string>& hints) const;
  // The same for the access log and the Unix sockets of a listener, which belongs to no app.
  [[nodiscard]] base::Expected<void> check(const config::Listener& listener) const;
  [[nodiscard]] base::Expected<void> check_sockets(const config::Listener& listener) const;

 private:
  [[nodiscard]] base::Expected<void> check_socket_rights(const spec::Spec& spec,
                                                         const config::Places& places) const;
  [[nodiscard]] base::Expected<void> check_cgroup(const spec::Spec& spec, const config::Places& places) const;
  [[nodiscard]] base::Expected<void> try_rights(const spec::Spec& spec, const config::Places& places) const;

  base::PathTrust trust_;
  spec::FileReader reader_;
  output::LogOpener opener_;
  const spawn::Launcher* launcher_ = nullptr;
  std::string sockets_;
  const process::CgroupHome* cgroups_ = nullptr;
};

}  // namespace gracevisor::supervise
