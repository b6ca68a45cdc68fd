// Limits and privileges of apps: seen in their processes, kept over a restart of the daemon, and refused by
// name before anything is started where this daemon cannot give them.
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>

#include "spawn/protocol.h"
#include "support/daemon_process.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/restarts.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
namespace fs = std::filesystem;

namespace {

constexpr int kPreflight = 9;
constexpr uid_t kNobody = 65534;

std::string content(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}
// Runs of spaces and tabs as one space.
std::string proc(pid_t pid, const std::string& file) {
  return std::regex_replace(content("/proc/" + std::to_string(pid) + "/" + file), std::regex("[ \t]+"), " ");
}

std::string worker(const std::string& keys, const std::string& command = "\"sleep 600\"") {
  return "[app.web]\ncommand = " + command + "\nendpoint = \"none\"\ndirectory = \"/\"\n" +
         "deploy = { settle = \"0s\", guard = \"0s\" }\nrestart = { backoff = \"10ms\", backoff_max = "
         "\"100ms\" }\n" +
         keys;
}

// The pid of its only instance, once there is one other than `former`.
pid_t instance(const DaemonProcess& daemon, pid_t former = 0) {
  pid_t found = 0;
  REQUIRE_MESSAGE(wait_until([&] {
                    const auto pids = daemon.pids("web");
                    if (pids.size() != 1 || pids.front() == former) return false;
                    found = pids.front();
                    return true;
                  }),
                  daemon.log());
  return found;
}

std::string own_nice() {
  return std::to_string(::getpriority(PRIO_PROCESS, 0));
}

bool may_mount() {
  if (::geteuid() == 0 && ::prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1) return true;
  skip("needs root and CAP_SYS_ADMIN");
  return false;
}

// The daemon's programs in the site's folder, behind a script that gives up rights before.
fs::path lesser_daemon(const Site& site, const std::string& setpriv) {
  for (const auto& program :
       {fs::path(GV_DAEMON), fs::path(GV_EXEC), fs::path(GV_DAEMON).parent_path() / "gv-keeper"}) {
    fs::copy_file(program, site.directory() / program.filename());
  }
  const auto script = site.files().write(
      "lesser",
      "#!/bin/sh\nexec setpriv " + setpriv + " " + (site.directory() / "gracevisord").string() + " \"$@\"\n",
      0755);
  return script;
}

struct Refused {
  std::string keys;
  std::string says;  // behind "app.web."
};

// None of them changes anything, or starts anything.
using Ctl = std::function<CommandResult(const std::vector<std::string>&)>;
Ctl ctl_of(const DaemonProcess& daemon) {
  return [&daemon](const std::vector<std::string>& words) { return daemon.ctl(words); };
}
void check_refused(const Site& site, const DaemonProcess& daemon, const Ctl& ctl,
                   const std::vector<Refused>& all) {
  const pid_t pid = instance(daemon);
  for (const Refused& one : all) {
    site.configure(worker(one.keys));
    const CommandResult deploy = ctl({"deploy", "web"});
    INFO(describe(deploy));
    CHECK(deploy.exit_code == kPreflight);
    CHECK(has(deploy.out + deploy.err, site.config().string() + ":"));
    CHECK(has(deploy.out + deploy.err, site.expand("app.web." + one.says)));
  }
  CHECK(instance(daemon) == pid);
}
void check_warned(const Site& site, const Ctl& ctl, const std::vector<Refused>& all) {
  for (const Refused& one : all) {
    site.configure(worker(one.keys));
    const CommandResult check = ctl({"check"});
    INFO(describe(check));
    CHECK(check.exit_code == 0);
    CHECK(has(check.err, site.expand("app.web." + one.says)));
  }
}

}  // namespace

TEST_CASE("rights: without keys a process has what the daemon was started with, and nothing less") {
  rlimit files{};
  rlimit core{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  REQUIRE(::getrlimit(RLIMIT_CORE, &core) == 0);
  Site site;
  site.configure(worker(""));
  DaemonProcess daemon(site);
  const pid_t pid = instance(daemon);
  CHECK(has(proc(pid, "limits"), "Max open files " + std::to_string(files.rlim_cur) + " " +
                                     std::to_string(files.rlim_max) + " files"));
  CHECK(proc(pid, "oom_score_adj") == proc(::getpid(), "oom_score_adj"));
  CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(pid)) == ::getpriority(PRIO_PROCESS, 0));
  const std::string status = proc(pid, "status");
  CHECK(has(status, "Umask: 0022\n"));
  CHECK(has(status, "NoNewPrivs: 0\n"));
  CHECK(fs::read_symlink("/proc/" + std::to_string(pid) + "/ns/mnt") ==
        fs::read_symlink("/proc/self/ns/mnt"));
  const std::regex bounding("CapBnd: ([0-9a-f]+)");
  std::smatch theirs;
  std::smatch ours;
  const std::string own = proc(::getpid(), "status");
  REQUIRE(std::regex_search(status, theirs, bounding));
  REQUIRE(std::regex_search(own, ours, bounding));
  CHECK(theirs[1] == ours[1]);
}

TEST_CASE("rights: each key is seen in the process, and by the next daemon's processes as well") {
  if (::geteuid() != 0) return skip("only root can give all of them");
  Site site;
  const std::string keys =
      "user = \"nobody\"\numask = \"027\"\nsupplementary_groups = [\"4242\", \"4243\"]\n"
      "capabilities = [\"CAP_NET_BIND_SERVICE\"]\n"
      "limits = { nofile = \"100:200\", nproc = 4000, core = \"0\", nice = 5, io_class = \"best-effort:6\", "
      "oom_score_adj = 200 }\n";
  site.configure(worker(keys));
  DaemonProcess daemon(site);
  const auto check = [](pid_t pid) {
    const std::string limits = proc(pid, "limits");
    const std::string status = proc(pid, "status");
    INFO(limits << status);
    CHECK(has(limits, "Max open files 100 200 files"));
    CHECK(has(limits, "Max processes 4000 4000 processes"));
    CHECK(has(limits, "Max core file size 0 0 bytes"));
    CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(pid)) == 5);
    CHECK(::syscall(SYS_ioprio_get, 1, pid) == (2 << 13 | 6));
    CHECK(proc(pid, "oom_score_adj") == "200\n");
    CHECK(has(status, "Umask: 0027\n"));
    CHECK(has(status, "Groups: 4242 4243 \n"));
    CHECK(has(status, "Uid: 65534 65534 65534 65534\n"));
    CHECK(has(status, "NoNewPrivs: 1\n"));
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      CHECK(has(status, std::string(set) + ": 0000000000000400\n"));
    }
  };
  const pid_t first = instance(daemon);
  check(first);
  const CommandResult show = daemon.ctl({"show", "web"});
  INFO(describe(show));
  for (const char* line : {"umask = \"027\"", "supplementary_groups = [\"4242\", \"4243\"]",
                           "capabilities = [\"CAP_NET_BIND_SERVICE\"]", "nofile = \"100:200\"", "nice = 5",
                           "io_class = \"best-effort:6\"", "oom_score_adj = 200"}) {
    CHECK(has(std::regex_replace(show.out, std::regex(" +"), " "), line));
  }

  const pid_t former = daemon.pid();
  daemon.kill_daemon();
  REQUIRE_MESSAGE(next_daemon(daemon, former) > 0, daemon.log());
  CHECK(instance(daemon) == first);
  REQUIRE(::kill(first, SIGKILL) == 0);
  check(instance(daemon, first));

  // A change is a deploy.
  site.configure(worker(std::regex_replace(keys, std::regex("nice = 5"), "nice = 6")));
  const CommandResult plan = daemon.ctl({"reload", "--dry-run"});
  INFO(describe(plan));
  CHECK(has(plan.out, "deploy   limits.nice\n"));
  const pid_t second = instance(daemon);
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(instance(daemon, second))) == 6);
}

TEST_CASE("rights: set-id programs gain nothing for another user, unless no_new_privileges is false") {
  if (::geteuid() != 0) return skip("only root can start apps as another user");
  Site site;
  site.configure(worker("user = \"nobody\"\nno_new_privileges = false\n"));
  DaemonProcess daemon(site);
  CHECK(has(proc(instance(daemon), "status"), "NoNewPrivs: 0\n"));
  site.configure(worker("no_new_privileges = true\n"));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(wait_until([&] { return has(proc(instance(daemon), "status"), "NoNewPrivs: 1\n"); }));
}

TEST_CASE("rights: instances with a private_tmp do not see each other's files, which go with them") {
  if (!may_mount()) return;
  Site site;
  site.configure(worker("instances = 2\nprivate_tmp = true\nuser = \"nobody\"\n",
                        R"(["sh", "-c", "echo $GV_INSTANCE >/tmp/gv-mine; exec sleep 600"])"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  const auto pids = daemon.pids("web");
  REQUIRE(pids.size() == 2);
  std::vector<std::string> found;
  for (const pid_t pid : pids) {
    const fs::path tmp = "/proc/" + std::to_string(pid) + "/root/tmp";
    REQUIRE(wait_until([&] { return content(tmp / "gv-mine").ends_with("\n"); }));
    found.push_back(content(tmp / "gv-mine"));
    CHECK(std::distance(fs::directory_iterator(tmp), fs::directory_iterator()) == 1);
    CHECK(has(proc(pid, "mountinfo"), " /tmp "));
    CHECK(has(proc(pid, "mountinfo"), " /var/tmp "));
  }
  std::ranges::sort(found);
  CHECK(found == std::vector<std::string>{"1.1\n", "1.2\n"});
  CHECK_FALSE(fs::exists("/tmp/gv-mine"));
  // A restarted one begins with an empty one.
  REQUIRE(::kill(pids.front(), SIGKILL) == 0);
  REQUIRE(wait_until([&] {
    const auto now = daemon.pids("web");
    return now.size() == 2 && std::ranges::find(now, pids.front()) == now.end();
  }));
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  for (const pid_t pid : pids) CHECK_FALSE(alive(pid));
  CHECK_FALSE(fs::exists("/tmp/gv-mine"));
  CHECK_FALSE(fs::exists("/var/tmp/gv-mine"));
}

TEST_CASE("rights: what is read_only fails with EROFS, and one that has gone is named") {
  if (!may_mount()) return;
  Site site;
  (void)site.files().write("kept/file", "old");
  site.configure(
      worker("read_only = [\"@DIR@/kept\"]\n",
             R"(["sh", "-c", "echo new >@DIR@/kept/file; echo ok >@DIR@/other; exec sleep 600"])"));
  DaemonProcess daemon(site);
  const pid_t pid = instance(daemon);
  REQUIRE(wait_until([&] { return content(site.directory() / "other") == "ok\n"; }));
  CHECK(content(site.directory() / "kept/file") == "old");
  REQUIRE(wait_until(
      [&] { return has(content(site.directory() / "state/log/web.log"), "Read-only file system"); }));

  fs::rename(site.directory() / "kept", site.directory() / "gone");
  REQUIRE(::kill(pid, SIGKILL) == 0);
  const std::string cause =
      "cannot make the paths of read_only read-only: " + (site.directory() / "kept").string() +
      ": No such file or directory";
  const auto told = [&] { return has(daemon.ctl({"status", "web"}).out, cause); };
  CHECK_MESSAGE(wait_until(told), daemon.ctl({"status", "web"}).out << daemon.log());
  fs::rename(site.directory() / "gone", site.directory() / "kept");
  (void)instance(daemon, pid);
}

TEST_CASE("rights: what root cannot give is refused by name, and nothing is started") {
  if (!may_mount()) return;
  Site site;
  site.configure(worker(""));
  DaemonProcess daemon(site);
  const std::vector<Refused> all = {
      {"limits.nofile = \"64:1073741816\"\n",
       "limits.nofile: 1073741816 is more than the kernel's fs.nr_open"},
      {"capabilities = [\"CAP_CHOWN\"]\n", "capabilities: are kept for a user other than root: set user"},
      {"capabilities = [\"CAP_CHOWN\"]\nuser = \"root\"\n", "capabilities: are kept for a user other than"},
      {"supplementary_groups = [\"no-such-group\"]\n", "supplementary_groups: no group \"no-such-group\""},
      {"read_only = \"/no/such\"\n", "read_only: /no/such: No such file or directory"},
  };
  check_refused(site, daemon, ctl_of(daemon), all);
  check_warned(site, ctl_of(daemon), all);
  // The site, its runtime folder included, is in /tmp.
  const std::vector<Refused> hidden = {
      {"endpoint = \"none\"\ndirectory = \"@DIR@\"\nprivate_tmp = true\n",
       "private_tmp: hides the app's directory, @DIR@"},
      {"endpoint = \"socket\"\ndirectory = \"/\"\nprivate_tmp = true\n",
       "private_tmp: hides the app's socket, @DIR@"},
      {"endpoint = \"socket\"\ndirectory = \"/\"\nread_only = [\"/etc\", \"@DIR@\"]\n",
       "read_only: @DIR@ has the app's socket in it, @DIR@"},
  };
  for (const Refused& one : hidden) {
    site.configure("[app.web]\ncommand = \"sleep 600\"\n" + one.keys);
    const CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy));
    CHECK(deploy.exit_code == kPreflight);
    CHECK(has(deploy.out + deploy.err, site.config().string() + ":"));
    CHECK(has(deploy.out + deploy.err, site.expand("app.web." + one.says)));
    const CommandResult check = daemon.ctl({"check"});
    INFO(describe(check));
    CHECK(has(check.err, site.expand("app.web." + one.says)));
  }
}

TEST_CASE("rights: a daemon that is not root refuses by name what only root can give") {
  if (::geteuid() != 0) return skip("only root can become somebody else");
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  Site site;
  const auto program = lesser_daemon(site, "--reuid=65534 --regid=65534 --clear-groups --inh-caps=-all");
  site.configure(worker(
      "umask = \"077\"\nno_new_privileges = true\nsupplementary_groups = []\n"
      "limits = { nofile = \"64:128\", nice = 19, oom_score_adj = 900, io_class = \"idle\", core = 0 }\n"));
  fs::permissions(site.directory(), fs::perms(0755));
  REQUIRE(::chown(site.directory().c_str(), kNobody, kNobody) == 0);
  REQUIRE(::chown(site.config().c_str(), kNobody, kNobody) == 0);
  DaemonProcess daemon(site, {}, program);
  const pid_t pid = instance(daemon);
  CHECK(has(proc(pid, "limits"), "Max open files 64 128 files"));
  CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(pid)) == 19);
  CHECK(proc(pid, "oom_score_adj") == "900\n");
  CHECK(has(proc(pid, "status"), "Umask: 0077\n"));
  CHECK(has(proc(pid, "status"), "NoNewPrivs: 1\n"));
  CHECK(::syscall(SYS_ioprio_get, 1, pid) == 3 << 13);

  const std::string more = std::to_string(files.rlim_max + 1);
  const std::vector<Refused> all = {
      {"limits.nofile = \"64:" + more + "\"\n", "limits.nofile: " + more + " is more than"},
      {"limits.nice = -20\n",
       "limits.nice: less than the daemon's own, " + own_nice() + ", takes CAP_SYS_NICE, which uid 65534"},
      {"limits.oom_score_adj = -1000\n", "limits.oom_score_adj: less than the daemon's own"},
      {"limits.io_class = \"realtime:0\"\n", "limits.io_class: \"realtime\" takes CAP_SYS_NICE"},
      {"supplementary_groups = [\"4242\"]\n",
       "supplementary_groups: only root can give an app other groups; this daemon runs as user 65534"},
      {"user = \"nobody\"\ncapabilities = [\"CAP_NET_BIND_SERVICE\"]\n",
       "capabilities: only root can keep them for a user, and this is uid 65534"},
      {"private_tmp = true\n", "private_tmp: a mount namespace takes CAP_SYS_ADMIN, which uid 65534"},
      {"read_only = \"/etc\"\n", "read_only: a mount namespace takes CAP_SYS_ADMIN, which uid 65534"},
  };
  // Root would not trust a socket in that folder.
  fs::copy_file(GV_CTL, site.directory() / "gvctl");
  const Ctl ctl = [&](const std::vector<std::string>& words) {
    std::vector<std::string> whole{
        "setpriv",  "--reuid",    "65534", "--regid", "65534", "--clear-groups", site.directory() / "gvctl",
        "--socket", site.socket()};
    whole.insert(whole.end(), words.begin(), words.end());
    return run_command(whole);
  };
  check_refused(site, daemon, ctl, all);
  check_warned(site, ctl, all);
}

TEST_CASE("rights: a root without rights, as in a container, refuses by name what it cannot give") {
  if (!may_mount()) return;
  Site site;
  const auto program =
      lesser_daemon(site, "--bounding-set=-sys_admin,-sys_nice,-sys_resource,-setgid,-chown");
  site.configure(worker(""));
  DaemonProcess daemon(site, {}, program);
  const std::vector<Refused> all = {
      {"private_tmp = true\n", "private_tmp: a mount namespace takes CAP_SYS_ADMIN, which uid 0 does not"},
      {"read_only = \"/etc\"\n", "read_only: a mount namespace takes CAP_SYS_ADMIN, which uid 0 does not"},
      {"limits.nice = -20\n",
       "limits.nice: less than the daemon's own, " + own_nice() + ", takes CAP_SYS_NICE, which uid 0"},
      {"limits.oom_score_adj = -1000\n", "limits.oom_score_adj: less than the daemon's own"},
      {"user = \"nobody\"\ncapabilities = [\"CAP_CHOWN\"]\n",
       "capabilities: uid 0 does not have CAP_CHOWN here"},
  };
  check_refused(site, daemon, ctl_of(daemon), all);
  check_warned(site, ctl_of(daemon), all);
  // What no rule tells, the kernel does.
  check_refused(site, daemon, ctl_of(daemon),
                {{"user = \"nobody\"\nlimits.oom_score_adj = 900\n", "user: Operation not permitted"},
                 {"user = \"nobody\"\nsupplementary_groups = [\"4242\"]\n",
                  "supplementary_groups: Operation not permitted"}});
}
