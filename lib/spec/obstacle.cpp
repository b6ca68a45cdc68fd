#include "spec/obstacle.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "base/user_text.h"
#include "spec/credentials.h"
#include "spec/rights.h"

namespace gracevisor::spec {
namespace {

using spawn::Credentials;

constexpr unsigned kMostLinks = 40;         // as the kernel
constexpr unsigned kMostInterpreters = 5;   // likewise: an interpreter may be a script
constexpr std::size_t kMostOfAPath = 4096;  // likewise
constexpr std::string_view kElf{
    "\x7f"
    "ELF"};

std::string name_of(const Credentials& who) {
  return who.name.empty() ? base::user_text(who.uid) : who.name;
}

bool may(const Credentials& who, const FileEntry& entry, unsigned right) {
  constexpr unsigned kOwner = 6;
  constexpr unsigned kGroup = 3;
  if (entry.listed) return true;
  const bool member =
      entry.group == who.gid || std::ranges::find(who.groups, entry.group) != who.groups.end();
  const unsigned shift = entry.owner == who.uid ? kOwner : member ? kGroup : 0;
  return ((entry.mode >> shift) & right) != 0;
}

bool may_enter(const Credentials& who, const FileEntry& folder) {
  return who.uid == 0 || may(who, folder, 1);
}

bool may_execute(const Credentials& who, const FileEntry& file) {
  constexpr mode_t kAnyone = 0111;
  return who.uid == 0 ? (file.mode & kAnyone) != 0 : may(who, file, 1);
}

// Bytes of a file or link that are shown: nothing that a terminal or a log line would obey.
std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string result;
  for (char c : text.substr(0, kMost)) result += c > ' ' && c < 0x7f && c != '"' ? c : '?';
  return result;
}

struct Walked {
  std::string path;      // without links, as far as it went
  FileEntry entry;       // of that path
  std::string obstacle;  // empty: it went to the end
};

// One walk along a path, from the root or from where a link points.
class Walk {
 public:
  Walk(const Disk& disk, const Credentials& who, std::string_view path)
      : disk_(disk), who_(who), rest_(path) {}

  Walked go() {
    while (obstacle_.empty() && skip_slashes()) step();
    return {path_.empty() ? "/" : path_, entry_, obstacle_};
  }

 private:
  bool skip_slashes() {
    rest_.erase(0, std::min(rest_.find_first_not_of('/'), rest_.size()));
    return !rest_.empty();
  }

  void step() {
    const std::size_t end = std::min(rest_.find('/'), rest_.size());
    const std::string name = rest_.substr(0, end);
    rest_.erase(0, end);
    if (entry_.kind != FileEntry::Kind::folder) {
      stop(printable(path_) + " is not a folder");
    } else if (!may_enter(who_, entry_)) {
      stop(fmt::format("{} cannot enter {}", name_of(who_), path_.empty() ? "/" : printable(path_)));
    } else if (name == "..") {
      path_.erase(path_.empty() ? 0 : path_.rfind('/'));
      entry_ = here();
    } else if (name != ".") {
      take(path_ + "/" + name);
    }
  }

  void take(std::string next) {
    FileEntry found = disk_.look(next);
    switch (found.kind) {
      case FileEntry::Kind::link: follow(next, found.target); return;
      case FileEntry::Kind::missing: stop(printable(next) + " does not exist"); return;
      case FileEntry::Kind::folder:
      case FileEntry::Kind::file:
      case FileEntry::Kind::other:
        path_ = std::move(next);
        entry_ = std::move(found);
        return;
    }
  }

  void follow(const std::string& link, const std::string& target) {
    if (++links_ > kMostLinks || target.size() + rest_.size() > kMostOfAPath || target.empty()) {
      stop(fmt::format("too many links on the way ({} is one)", printable(link)));
      return;
    }
    if (link_.empty()) link_ = link;
    if (target.front() == '/') {
      path_.clear();
      entry_ = here();
    }
    rest_ = target + rest_;
  }

  [[nodiscard]] FileEntry here() const { return disk_.look(path_.empty() ? "/" : path_); }

  void stop(std::string obstacle) {
    obstacle_ = std::move(obstacle);
    if (!link_.empty()) obstacle_ += fmt::format(" ({} is a link there)", printable(link_));
  }

  const Disk& disk_;
  const Credentials& who_;
  std::string rest_;
  std::string path_;
  FileEntry entry_ = here();
  std::string link_;  // the first that was followed
  unsigned links_ = 0;
  std::string obstacle_;
};

// The path behind "#!", which ends at a blank or with the line; unset: there is no such line.
std::optional<std::string> interpreter_of(std::string_view bytes) {
  if (!bytes.starts_with("#!")) return std::nullopt;
  bytes = bytes.substr(2, bytes.find('\n') == std::string_view::npos ? bytes.npos : bytes.find('\n') - 2);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t"), bytes.size()));
  return std::string(bytes.substr(0, bytes.find_first_of(std::string_view(" \t\0", 3))));
}

std::string why_not_begun(std::string_view bytes, int code) {
  if (bytes.empty()) return "is empty or cannot be read";
  if (bytes.starts_with(kElf)) {
    return code == ENOENT ? "is a binary whose loader does not exist here: it was built for another system"
                          : "is a binary for another processor or system";
  }
  return "has no #! line: begin it with one (#!/bin/sh), or name its interpreter in the command";
}

std::string why_not_run(const Disk& disk, const Credentials& who, const std::string& path, int code,
                        unsigned depth) {
  const Walked walked = Walk(disk, who, path).go();
  if (!walked.obstacle.empty()) return walked.obstacle;
  const std::string shown = printable(walked.path);
  if (walked.entry.kind == FileEntry::Kind::folder) return shown + " is a folder";
  if (walked.entry.kind != FileEntry::Kind::file) return shown + " is not a file";
  if (!may_execute(who, walked.entry)) {
    return fmt::format("{} is not executable for {}: chmod +x", shown, name_of(who));
  }
  if (code == EACCES && disk.is_mounted_noexec(walked.path)) return shown + " is on a mount with noexec";
  const std::string bytes = disk.first_bytes(walked.path);
  const auto interpreter = interpreter_of(bytes);
  if (!interpreter) {
    if (code != ENOEXEC && code != ENOENT) return {};
    return shown + " " + why_not_begun(bytes, code);
  }
  if (interpreter->empty()) return shown + " has a #! line that names no interpreter";
  if (interpreter->back() == '\r')
    return shown + " has Windows line ends: its #! line ends in a carriage return";
  if (interpreter->front() != '/') return {};  // from the app's directory
  if (depth == kMostInterpreters) return shown + " has too many interpreters in a row";
  const std::string why = why_not_run(disk, who, *interpreter, code, depth + 1);
  if (why.empty()) return {};
  const std::string named = printable(*interpreter);
  return fmt::format("{}: its interpreter {}{}", shown, why.starts_with(named) ? "" : named + ": ", why);
}

}  // namespace

Credentials own_rights() {
  Credentials own = own_credentials();
  const int count = ::getgroups(0, nullptr);
  own.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  if (::getgroups(count, own.groups.data()) < 0) own.groups.clear();
  return own;
}

std::string why_not_executed(const Disk& disk, const Credentials& who, const std::string& program, int code) {
  return why_not_run(disk, who, program, code, 0);
}

std::string why_not_entered(const Disk& disk, const Credentials& who, const std::string& directory) {
  // The last folder must be entered, too.
  return Walk(disk, who, directory + "/.").go().obstacle;
}

bool needs_words(const spawn::SpawnFailed& failed) {
  const bool by_path = failed.stage == spawn::SpawnStage::exec || failed.stage == spawn::SpawnStage::chdir;
  return by_path || !key_of(failed.stage).empty();
}

spawn::SpawnFailed explained(const Disk& disk, const spawn::SpawnPlan& plan, spawn::SpawnFailed failed) {
  const Credentials who = plan.credentials.value_or(own_rights());
  if (failed.stage == spawn::SpawnStage::exec && failed.code == EAGAIN && plan.limits.processes) {
    failed.why =
        fmt::format("its user has more processes than limits.nproc allows, {}", plan.limits.processes->soft);
  } else if (failed.stage == spawn::SpawnStage::exec) {
    failed.why = why_not_executed(disk, who, plan.program, failed.code);
    if (failed.why.empty()) failed.why = plan.program + ": " + base::errno_text(failed.code);
  } else if (failed.stage == spawn::SpawnStage::chdir) {
    failed.why = why_not_entered(disk, who, plan.directory);
    if (failed.why.empty()) failed.why = plan.directory + ": " + base::errno_text(failed.code);
  } else if (!key_of(failed.stage).empty()) {
    failed.why = why_not_given(plan, own_rights_to_give(), failed);
  }
  return failed;
}

}  // namespace gracevisor::spec
