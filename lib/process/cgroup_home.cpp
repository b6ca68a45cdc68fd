#include "process/cgroup_home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ranges>
#include <set>
#include <string_view>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "base/kernel_file.h"
#include "base/process_entry.h"

namespace gracevisor::process {
namespace {

constexpr std::size_t kMostRead = 64UL << 10U;
constexpr std::size_t kIdLength = 8;
constexpr std::string_view kDaemons = "daemon";

std::optional<std::string> find_mount(const std::vector<std::string>& mounts) {
  for (const std::string& mount : mounts) {
    struct statfs found{};
    if (::statfs(mount.c_str(), &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC) return mount;
  }
  return std::nullopt;
}

// The path behind "0::", which is that of version 2; "/" is empty.
std::optional<std::string> own_path(const std::string& file) {
  const auto text = base::read_file(file, kMostRead);
  if (!text) return std::nullopt;
  for (const auto part : *text | std::views::split('\n')) {
    const std::string_view line(part);
    if (!line.starts_with("0::/")) continue;
    const std::string_view path = line.substr(3);
    return std::string(path == "/" ? std::string_view() : path);
  }
  return std::nullopt;
}

// 0, or an errno.
int write_to(const std::string& file, std::string_view text) {
  return base::write_kernel_file(AT_FDCWD, file.c_str(), text);
}

int make_folder(const std::string& folder) {
  constexpr mode_t kMode = 0755;
  return ::mkdir(folder.c_str(), kMode) != 0 && errno != EEXIST ? errno : 0;
}

// The folder, or one in which it is: what has been delegated is with all below it.
bool is_delegated(std::string folder, const std::string& mount) {
  for (; folder.size() > mount.size(); folder.resize(folder.rfind('/'))) {
    for (const char* name : {"trusted.delegate", "user.delegate"}) {
      char value = '0';
      if (::getxattr(folder.c_str(), name, &value, 1) == 1 && value == '1') return true;
    }
  }
  return false;
}

// A mount of another namespace may have a folder of the same name.
bool has_process(const std::string& folder, pid_t pid) {
  constexpr std::size_t kMostProcesses = 16UL << 20U;  // bytes; a host's root has all of its processes
  const auto text = base::read_file(folder + "/cgroup.procs", kMostProcesses);
  return text && ("\n" + *text).find(fmt::format("\n{}\n", pid)) != std::string::npos;
}

// Who keeps a cgroup from being divided.
std::string someone_in(const std::string& folder) {
  for (const pid_t pid : Cgroup(folder).own_members()) {
    if (const auto entry = base::read_process_entry(pid))
      return fmt::format(", such as {}", base::text({{base::Pid(pid), entry->name}}));
  }
  return {};
}

bool has_word(const std::string& file, std::string_view word) {
  const auto text = base::read_file(file, kMostRead);
  if (!text) return false;
  // The only line.
  const std::string_view line(text->begin(), std::ranges::find(*text, '\n'));
  return std::ranges::any_of(line | std::views::split(' '),
                             [word](const auto& part) { return std::string_view(part) == word; });
}

std::string name_of(const ChildName& child) {
  return fmt::format("{}@{}.{}-{}", child.app, child.generation, child.slot, child.incarnation);
}

constexpr std::string_view word_of(Controller controller) {
  switch (controller) {
    case Controller::memory: return "memory";
    case Controller::pids: return "pids";
    case Controller::cpu: return "cpu";
  }
  return {};
}

}  // namespace

CgroupHome CgroupHome::claim(const std::string& state_id, pid_t keeper, const CgroupHost& host) {
  const auto mount = find_mount(host.mounts);
  const auto own = own_path(host.own);
  if (!mount || !own) return CgroupHome("no cgroup of version 2 is mounted here");
  CgroupHome home;
  home.prefix_ = fmt::format("gracevisor-{}-", state_id.substr(0, kIdLength));
  const std::string name = home.prefix_ + std::to_string(keeper);
  home.base_ = *mount + *own;
  if (own->find("/..") != std::string::npos || !has_process(home.base_, ::getpid()))
    return CgroupHome(fmt::format("{} is not what this process is in: it is another namespace's", *mount));
  // In which a former daemon of this keeper has put it.
  const std::string within = fmt::format("/{}/{}", name, kDaemons);
  const bool is_there = home.base_.ends_with(within);
  if (is_there) home.base_.resize(home.base_.size() - within.size());
  if (!is_there && ::access(host.systemd.c_str(), F_OK) == 0 && !is_delegated(home.base_, *mount))
    return CgroupHome(home.base_ + " is systemd's: the unit has no Delegate=yes");
  home.folder_ = home.base_ + "/" + name;
  int error = make_folder(home.folder_);
  const std::string daemons = fmt::format("{}/{}", home.folder_, kDaemons);
  if (error == 0) error = make_folder(daemons);
  for (const pid_t pid : {keeper, ::getpid()}) {
    if (error == 0 && pid > 0) error = write_to(daemons + "/cgroup.procs", std::to_string(pid));
  }
  if (error == 0) return home;
  (void)::rmdir(daemons.c_str());
  (void)::rmdir(home.folder_.c_str());
  return CgroupHome(fmt::format("{} cannot be divided: {}", home.base_, base::errno_text(error)));
}

std::string CgroupHome::place_for(const ChildName& name) const {
  return exists() ? folder_ + "/" + name_of(name) : std::string();
}

std::optional<Cgroup> CgroupHome::find(const ChildName& name) const {
  return exists() ? std::optional(Cgroup(place_for(name))) : std::nullopt;
}

std::expected<void, spawn::SpawnFailed> CgroupHome::need_for(const spawn::Limits& limits) const {
  using spawn::SpawnStage;
  const std::array<std::tuple<bool, Controller, SpawnStage>, 3> wanted = {
      {{limits.memory.has_value(), Controller::memory, SpawnStage::memory},
       {limits.tasks.has_value(), Controller::pids, SpawnStage::tasks},
       {limits.cpu.has_value(), Controller::cpu, SpawnStage::cpu}}};
  for (const auto& [set, controller, stage] : wanted) {
    if (!set) continue;
    if (auto can = need(controller); !can) {
      return std::unexpected(
          spawn::SpawnFailed{stage, can.error().code, "takes a cgroup: " + can.error().what});
    }
  }
  return {};
}

base::Expected<void> CgroupHome::need(Controller controller) const {
  if (!exists()) return std::unexpected(base::Error{why_none_, EOPNOTSUPP});
  const std::string_view word = word_of(controller);
  if (!has_word(base_ + "/cgroup.controllers", word))
    return std::unexpected(base::Error{fmt::format("{} has no {} controller", base_, word), EOPNOTSUPP});
  for (const std::string& folder : {base_, folder_}) {
    const std::string file = folder + "/cgroup.subtree_control";
    if (has_word(file, word)) continue;
    const int error = write_to(file, fmt::format("+{}", word));
    if (error == EBUSY) {
      return std::unexpected(base::Error{
          fmt::format("{} has other processes in it{}, and so cannot limit any", folder, someone_in(folder)),
          EBUSY});
    }
    if (error != 0) return base::fail_errno(fmt::format("the {} controller of {}", word, folder), error);
  }
  return {};
}

std::vector<std::string> CgroupHome::former_homes() const {
  std::vector<std::string> homes;
  if (!exists()) return homes;
  for (const std::string& name : Cgroup(base_).below()) {
    const std::string home = base_ + "/" + name;
    if (name.starts_with(prefix_) && home != folder_) homes.push_back(home);
  }
  return homes;
}

std::map<pid_t, CgroupHome::Member> CgroupHome::members() const {
  std::map<pid_t, Member> members;
  std::vector<std::string> homes = former_homes();
  if (exists()) homes.push_back(folder_);
  for (const std::string& home : homes) {
    for (const std::string& name : Cgroup(home).below()) {
      const std::size_t at = name.rfind('@');
      const std::size_t dash = name.rfind('-');
      if (at == std::string::npos || dash == std::string::npos || dash < at) continue;
      const Member member{name.substr(0, at), name.substr(at + 1, dash - at - 1)};
      for (const pid_t pid : Cgroup(fmt::format("{}/{}", home, name)).members()) members.emplace(pid, member);
    }
  }
  return members;
}

void CgroupHome::clear(const std::vector<ChildName>& living) const {
  for (const std::string& home : former_homes()) Cgroup(home).remove();
  if (!exists()) return;
  std::set<std::string> kept = {std::string(kDaemons)};
  for (const ChildName& child : living) kept.insert(name_of(child));
  for (const std::string& name : Cgroup(folder_).below()) {
    if (!kept.contains(name)) Cgroup(folder_ + "/" + name).remove();
  }
}

void CgroupHome::give_up(pid_t keeper) {
  if (!exists()) return;
  // A cgroup that limits others takes no processes: it has begun to since it was claimed, as the daemon was
  // in it. Only the root of all does both, and serves others than us.
  if (::access((base_ + "/cgroup.type").c_str(), F_OK) == 0) {
    for (const Controller one : {Controller::memory, Controller::pids, Controller::cpu}) {
      for (const std::string& folder : {folder_, base_})
        (void)write_to(folder + "/cgroup.subtree_control", fmt::format("-{}", word_of(one)));
    }
  }
  for (const pid_t pid : {keeper, ::getpid()}) {
    if (pid > 0) (void)write_to(base_ + "/cgroup.procs", std::to_string(pid));
  }
  Cgroup(folder_).remove();
  *this = CgroupHome("it was given up");
}

}  // namespace gracevisor::process
