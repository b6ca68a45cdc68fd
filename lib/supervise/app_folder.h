// The folder of daemon.autodiscover at work: it is watched and looked at, decide::AppFolder says what follows
// from that and when, and `apply` carries it out. Knows what is wrong with it, for status and the log.
// Thread: the supervisor's; a look blocks on the disk.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "config/app_folder.h"
#include "config/daemon_user.h"
#include "decide/app_folder.h"
#include "loop/folder_watch.h"
#include "loop/timer.h"

namespace gracevisor::supervise {

class AppFolder {
 public:
  using Plan = decide::AppFolder::Plan;
  using Files = decide::AppFolder::Files;

  // `apply` calls done().
  AppFolder(loop::Loop& loop, base::Log& log, std::filesystem::path path, uid_t config_owner, Files in_force,
            std::function<void(const Plan&)> apply);
  AppFolder(const AppFolder&) = delete;
  AppFolder& operator=(const AppFolder&) = delete;
  ~AppFolder() = default;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // As whom its files are read.
  [[nodiscard]] const config::DaemonUser& user() const { return user_; }

  // `refused`: what is wrong, by file; it is added to `outcome`.
  void done(const Plan& plan, const std::map<std::string, std::string>& refused,
            decide::AppFolder::Outcome outcome);
  void reloaded(Files in_force, bool removed);

  // For status, a sentence each.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  void look();
  [[nodiscard]] base::Expected<Files> list();
  void watch(const struct stat& folder);
  void wait();
  void tell_trouble();
  void tell_restless();

  loop::Loop& loop_;
  base::Log& log_;
  std::filesystem::path path_;
  config::DaemonUser user_;
  decide::AppFolder decider_;
  std::function<void(const Plan&)> apply_;
  std::unique_ptr<loop::FolderWatch> watch_;
  std::pair<dev_t, ino_t> watched_{};           // another folder may take its path
  std::map<std::string, std::string> refused_;  // by file: why it could not be applied
  std::string trouble_;                         // as last logged
  decide::AppFolder::Names restless_;           // as last logged
  loop::Timer timer_;
};

// The files of the folder among them, as the decider takes them.
[[nodiscard]] decide::AppFolder::Files app_folder_files(const config::Files& trees);

}  // namespace gracevisor::supervise
