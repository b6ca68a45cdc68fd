// A reload: what is asked for, what is about to be done, and what is under way. Thread: the supervisor's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/app_folder.h"
#include "config/config.h"
#include "config/key.h"
#include "config/load.h"
#include "decide/reload.h"
#include "decide/report.h"
#include "supervise/listener_book.h"

namespace gracevisor::supervise {

struct ReloadRequest {
  std::vector<std::string> apps = {};  // empty: all
  bool dry_run = false;
  bool remove = false;  // apps that the files no longer have
  bool deploy = false;  // deploys each of them, whether or not it differs

  [[nodiscard]] bool concerns(const std::string& app) const;
};

// Checked; nothing has changed yet.
struct ReloadPlan {
  config::Config config;  // as the files say
  std::vector<decide::ReloadStep> steps;
  std::map<std::string, spec::SpecRef> specs;     // by app: as those that it concerns will be
  std::vector<config::Listener> listeners = {};   // whose definitions change under the same name
  std::vector<decide::ReportLine> remarks = {};   // about listeners
  std::vector<config::Difference> daemon = {};    // keys of [daemon]
  std::vector<config::Diagnostic> warnings = {};  // for the log, as at a start
  std::vector<std::string> forgotten = {};        // apps left behind by the former daemon
  std::set<std::string> stopped = {};             // apps that were stopped when the plan was made
  std::unique_ptr<ListenerBook::Opened> opened;   // what is to be listened on at once

  // Is the change of a listener left for another reload?
  [[nodiscard]] bool puts_off() const;
};

// What is done about changed files of the folder of daemon.autodiscover, by their names.
struct AppFolderWork {
  config::AppFolderChange change;  // what is left to be done
  std::map<std::string, std::string> refused = {};
  std::set<std::string> busy = {};
  std::set<std::string> shrunk = {};  // as decide::AppFolder::Outcome has them
  std::set<std::string> emptied = {};
  std::optional<config::AppFolderLoad> load = {};
  std::optional<ReloadPlan> plan = {};

  void leave_out(const std::set<std::string>& names);
};

// One that is under way.
struct Reloading {
  ReloadPlan plan;
  decide::Reload steps;
  std::shared_ptr<decide::Report> report;
  std::map<std::string, std::shared_ptr<decide::Report>> receipts = {};  // by app: of steps that have begun
  std::vector<std::pair<std::string, base::ExitCode>> finished = {};     // steps, by app, since the last turn
};

}  // namespace gracevisor::supervise
