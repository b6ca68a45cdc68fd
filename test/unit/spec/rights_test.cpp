#include "spec/rights.h"

#include <doctest/doctest.h>
#include <linux/capability.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "support/temp_folder.h"

namespace gracevisor::spec {
namespace {

using spawn::ResourceLimit;
using spawn::SpawnPlan;
using spawn::SpawnStage;

constexpr std::uint64_t bit(int capability) {
  return std::uint64_t{1} << static_cast<unsigned>(capability);
}
constexpr std::uint64_t kAll = ~std::uint64_t{0};

// An ordinary user's.
RightsToGive ordinary() {
  RightsToGive rights;
  rights.uid = 1000;
  rights.open_files = 4096;
  rights.processes = 100;
  rights.core = 1000;
  rights.most_open_files = 1048576;
  return rights;
}
RightsToGive root() {
  RightsToGive rights = ordinary();
  rights.uid = 0;
  rights.capabilities = kAll;
  return rights;
}
RightsToGive root_without(int capability) {
  RightsToGive rights = root();
  rights.capabilities &= ~bit(capability);
  return rights;
}

// "key: why" of the only one; empty: nothing is refused.
std::string refused(const SpawnPlan& plan, const RightsToGive& rights) {
  const auto found = refusals(plan, rights);
  if (found.empty()) return {};
  CHECK(found.size() == 1);
  return found.front().key + ": " + found.front().why;
}

SpawnPlan with(auto set) {
  SpawnPlan plan;
  plan.program = "/bin/true";
  plan.directory = "/";
  set(plan);
  return plan;
}

}  // namespace

TEST_CASE("rights: a plan without limits and privileges takes none") {
  CHECK(refused(with([](SpawnPlan&) {}), ordinary()).empty());
}

TEST_CASE("rights: hard limits may be lowered by everyone, and raised with CAP_SYS_RESOURCE") {
  const auto files = [](std::uint64_t hard) {
    return with([hard](SpawnPlan& plan) { plan.limits.open_files = {16, hard}; });
  };
  CHECK(refused(files(4096), ordinary()).empty());
  CHECK(
      refused(files(4097), ordinary()) ==
      "limits.nofile: 4097 is more than the daemon's own hard limit, 4096, and that takes CAP_SYS_RESOURCE, "
      "which uid 1000 does not have here");
  CHECK(refused(files(1048576), root()).empty());
  CHECK(refused(files(4097), root_without(CAP_SYS_RESOURCE)).ends_with("which uid 0 does not have here"));
  // Nobody may.
  CHECK(refused(files(1048577), root()) ==
        "limits.nofile: 1048577 is more than the kernel's fs.nr_open, 1048576");
  const auto processes = with([](SpawnPlan& plan) { plan.limits.processes = {101, 101}; });
  CHECK(refused(processes, ordinary()).starts_with("limits.nproc: 101 is more than the daemon's own"));
  const auto core = with([](SpawnPlan& plan) { plan.limits.core = {kAll, kAll}; });
  CHECK(refused(core, ordinary()).starts_with("limits.core: unlimited is more than the daemon's own"));
  CHECK(refused(core, root()).empty());
}

TEST_CASE("rights: to come before others takes rights, to stand back takes none") {
  const auto nice = [](int value) { return with([value](SpawnPlan& plan) { plan.limits.nice = value; }); };
  CHECK(refused(nice(19), ordinary()).empty());
  CHECK(refused(nice(0), ordinary()).empty());
  CHECK(refused(nice(-1), ordinary()) ==
        "limits.nice: less than the daemon's own, 0, takes CAP_SYS_NICE, which uid 1000 does not have here");
  CHECK(refused(nice(-1), root()).empty());
  RightsToGive allowed = ordinary();
  allowed.nice = 5;
  CHECK_FALSE(refused(nice(4), allowed).empty());
  allowed.least_nice = -3;  // RLIMIT_NICE
  CHECK(refused(nice(-3), allowed).empty());
  CHECK_FALSE(refused(nice(-4), allowed).empty());

  const auto score = [](int value) {
    return with([value](SpawnPlan& plan) { plan.limits.oom_score_adj = value; });
  };
  RightsToGive marked = ordinary();
  marked.oom_score_adj = 100;
  CHECK(refused(score(100), marked).empty());
  CHECK(
      refused(score(99), marked).starts_with("limits.oom_score_adj: less than the daemon's own, 100, takes"));
  CHECK(refused(score(-1000), root()).empty());

  const auto io = [](unsigned priority) {
    return with([priority](SpawnPlan& plan) { plan.limits.io_priority = priority; });
  };
  CHECK(refused(io(1U << 13U), ordinary()).starts_with("limits.io_class: \"realtime\" takes CAP_SYS_NICE"));
  CHECK(refused(io(2U << 13U), ordinary()).empty());
  CHECK(refused(io(3U << 13U), ordinary()).empty());
  CHECK(refused(io(1U << 13U), root_without(CAP_SYS_NICE)).empty());  // CAP_SYS_ADMIN does as well
}

TEST_CASE("rights: capabilities are kept by root alone, of those that it has, and for another user") {
  const auto kept = [](uid_t uid) {
    return with([uid](SpawnPlan& plan) {
      plan.credentials = spawn::Credentials{uid, 1, {}, "", "", ""};
      plan.capabilities = bit(CAP_NET_BIND_SERVICE);
    });
  };
  CHECK(refused(kept(33), root()).empty());
  CHECK(refused(kept(0), root()) == "capabilities: are kept for a user other than root: set user");
  SpawnPlan nobody = kept(33);
  nobody.credentials.reset();
  CHECK(refused(nobody, root()) == "capabilities: are kept for a user other than root: set user");
  CHECK(refused(kept(1000), ordinary()) ==
        "capabilities: only root can keep them for a user, and this is uid 1000");
  CHECK(refused(kept(33), root_without(CAP_NET_BIND_SERVICE)) ==
        "capabilities: uid 0 does not have CAP_NET_BIND_SERVICE here");
  CHECK(refused(kept(33), root_without(CAP_SETPCAP)).find("takes CAP_SETPCAP") != std::string::npos);
}

TEST_CASE("rights: mounts of its own take CAP_SYS_ADMIN and a kernel that can make them") {
  const auto paths = with([](SpawnPlan& plan) { plan.read_only = {"/etc"}; });
  CHECK(refused(paths, root()).empty());
  CHECK(refused(paths, ordinary()) ==
        "read_only: a mount namespace takes CAP_SYS_ADMIN, which uid 1000 does not have here");
  RightsToGive old = root();
  old.makes_read_only = false;
  CHECK(refused(paths, old) == "read_only: takes a kernel from 5.12 on");
  CHECK(refused(with([](SpawnPlan& plan) { plan.read_only = {"/etc", "/no/such"}; }), root()) ==
        "read_only: /no/such: No such file or directory");

  const test::TempFolder folder;  // in /tmp
  const auto tmp = [](auto set) {
    return with([&](SpawnPlan& plan) {
      plan.private_tmp = true;
      set(plan);
    });
  };
  CHECK(refused(tmp([](SpawnPlan&) {}), root()).empty());
  CHECK(refused(tmp([](SpawnPlan&) {}), old).empty());
  CHECK(refused(tmp([](SpawnPlan&) {}), ordinary()).starts_with("private_tmp: a mount namespace takes"));
  CHECK(refused(tmp([&](SpawnPlan& plan) { plan.directory = folder.path(); }), root()) ==
        "private_tmp: hides the app's directory, " + folder.path().string());
  const auto program = folder / "server";
  CHECK(refused(tmp([&](SpawnPlan& plan) { plan.program = program; }), root()) ==
        "private_tmp: hides the app's program, " + program.string());
}

TEST_CASE("rights: what a private_tmp hides is found through links") {
  CHECK(is_hidden_by_private_tmp("/tmp"));
  CHECK(is_hidden_by_private_tmp("/tmp/x/y"));
  CHECK(is_hidden_by_private_tmp("/usr/../tmp/x"));
  CHECK_FALSE(is_hidden_by_private_tmp("/tmpx/y"));
  CHECK_FALSE(is_hidden_by_private_tmp("/usr/bin"));
  CHECK_FALSE(is_hidden_by_private_tmp(""));
}

TEST_CASE("rights: an app cannot bind a socket where its private_tmp hides it or all is read-only") {
  const test::TempFolder folder;  // in /tmp
  const std::string socket = (folder.path() / "apps/1.sock").string();
  const auto says = [&](auto set) {
    const auto refused = socket_refusal(with(set), socket);
    return refused ? refused->key + ": " + refused->why : std::string();
  };
  CHECK(says([](SpawnPlan&) {}).empty());
  CHECK(says([](SpawnPlan& plan) { plan.private_tmp = true; }) ==
        "private_tmp: hides the app's socket, " + socket);
  const std::string at = folder.path().string();
  CHECK(says([&](SpawnPlan& plan) { plan.read_only = {"/etc", at}; }) ==
        "read_only: " + at + " has the app's socket in it, " + socket);
  CHECK(says([](SpawnPlan& plan) { plan.read_only = {"/"}; }) ==
        "read_only: / has the app's socket in it, " + socket);
  CHECK(says([&](SpawnPlan& plan) { plan.read_only = {at + "/app", at + "/gone"}; }).empty());
  std::filesystem::create_directory_symlink(at, folder.path() / "link");
  CHECK(says([&](SpawnPlan& plan) { plan.read_only = {at + "/link"}; }) ==
        "read_only: " + at + "/link has the app's socket in it, " + socket);
}

TEST_CASE("rights: a step that failed is explained by what is missing, if that is known") {
  const auto files = with([](SpawnPlan& plan) { plan.limits.open_files = {16, 9999}; });
  CHECK(why_not_given(files, ordinary(), {SpawnStage::nofile, EPERM})
            .starts_with("Operation not permitted: 9999 is more than the daemon's own hard limit, 4096"));
  CHECK(why_not_given(files, root(), {SpawnStage::nofile, EPERM}).empty());
  const auto gone = with([](SpawnPlan& plan) { plan.read_only = {"/no/such"}; });
  CHECK(why_not_given(gone, root(), {SpawnStage::read_only, ENOENT}) ==
        "/no/such: No such file or directory");
  CHECK(key_of(SpawnStage::nofile) == "limits.nofile");
  CHECK(key_of(SpawnStage::exec).empty());
}

TEST_CASE("rights: those of this process are what the kernel says") {
  const RightsToGive own = own_rights_to_give();
  CHECK(own.uid == ::geteuid());
  CHECK(own.open_files > 0);
  CHECK(own.most_open_files >= own.open_files);
  CHECK(own.nice >= -20);
  CHECK(own.nice <= 19);
  CHECK(own.least_nice >= -20);
  CHECK(own.least_nice <= 20);
  // Root could do nothing without this one.
  if (own.uid == 0) CHECK((own.capabilities & bit(CAP_SETUID)) != 0);
}

}  // namespace gracevisor::spec
