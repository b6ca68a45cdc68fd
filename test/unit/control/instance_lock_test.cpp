#include "control/instance_lock.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::control;

namespace {
mode_t mode_of(const std::filesystem::path& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777U : 0;
}
}  // namespace

TEST_CASE("lock: a second daemon in the folder is refused, and told whose it is") {
  test::TempFolder folder;
  auto first = InstanceLock::acquire(folder.path());
  REQUIRE(first);
  auto second = InstanceLock::acquire(folder.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EWOULDBLOCK);
  CHECK(second.error().what ==
        "another gracevisord (pid " + std::to_string(::getpid()) + ") runs on " + folder.path().string());
}

TEST_CASE("lock: it ends with its holder, however that ended, and not with a process that the holder left") {
  test::TempFolder folder;
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto lock = InstanceLock::acquire(folder.path());
    ::_exit(lock ? 0 : 1);  // no destructor runs
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  CHECK(test::content_of(folder / "lock") == std::to_string(child) + "\n");
  {
    auto next = InstanceLock::acquire(folder.path());
    CHECK(next);
    CHECK(test::content_of(folder / "lock") == std::to_string(::getpid()) + "\n");
  }
  CHECK(InstanceLock::acquire(folder.path()));
}

TEST_CASE("lock: of two daemons that share it, the one that goes on names itself again") {
  test::TempFolder folder;
  auto lock = InstanceLock::acquire(folder.path());
  REQUIRE(lock);
  test::put_content(folder / "lock", "999999999\n");  // longer than any pid
  REQUIRE(lock->name_holder());
  CHECK(test::content_of(folder / "lock") == std::to_string(::getpid()) + "\n");
}

TEST_CASE("lock: a holder that has not written its pid yet is a holder") {
  test::TempFolder folder;
  auto first = InstanceLock::acquire(folder.path());
  REQUIRE(first);
  test::put_content(folder / "lock", "");
  auto second = InstanceLock::acquire(folder.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().what == "another gracevisord runs on " + folder.path().string());
}

namespace {

// A daemon that was killed while it started a process: the child between the two still holds the lock.
class DeadHolder {
 public:
  explicit DeadHolder(const std::filesystem::path& folder) {
    auto made = base::make_pipe();
    REQUIRE(made);
    pid_t holder = ::fork();
    REQUIRE(holder >= 0);
    if (holder == 0) {
      auto lock = InstanceLock::acquire(folder);
      if (!lock || ::fork() != 0) ::_exit(lock ? 0 : 1);
      made->write_end.reset();
      char byte = 0;
      (void)!::read(made->read_end.get(), &byte, 1);
      ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(holder, &status, 0) == holder);
    REQUIRE(status == 0);
    lifeline_ = std::move(made->write_end);
  }
  void let_go() { lifeline_.reset(); }

 private:
  base::UniqueFd lifeline_;
};

}  // namespace

TEST_CASE("lock: a holder that is dead is waited for until what it left lets go") {
  test::TempFolder folder;
  DeadHolder holder(folder.path());
  LockPatience patience;
  patience.alive = std::chrono::milliseconds(0);
  patience.dead = std::chrono::milliseconds(50);
  auto refused = InstanceLock::acquire(folder.path(), "lock", patience);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EWOULDBLOCK);
  patience.dead = std::chrono::minutes(1);
  std::thread release([&holder] { holder.let_go(); });
  auto lock = InstanceLock::acquire(folder.path(), "lock", patience);
  release.join();
  CHECK(lock);
}

TEST_CASE("lock: locks of two names in one folder are two") {
  test::TempFolder folder;
  auto one = InstanceLock::acquire(folder.path());
  auto other = InstanceLock::acquire(folder.path(), "state.lock");
  CHECK(one);
  CHECK(other);
  CHECK_FALSE(InstanceLock::acquire(folder.path(), "state.lock"));
}

TEST_CASE("lock: a link in its place is not followed") {
  test::TempFolder folder;
  std::filesystem::create_symlink(folder / "elsewhere", folder / "lock");
  CHECK_FALSE(InstanceLock::acquire(folder.path()));
  CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST_CASE("runtime folder: it is made for its owner alone, parents included, and taken again later") {
  test::TempFolder folder;
  auto path = folder / "a/b/gracevisor";
  AccessPolicy policy{::geteuid(), {}};
  REQUIRE(prepare_runtime_folder(path, policy));
  CHECK(mode_of(path) == 0700);
  CHECK(prepare_runtime_folder(path, policy));
}

TEST_CASE("runtime folder: operators may look into it") {
  test::TempFolder folder;
  auto path = folder / "gracevisor";
  REQUIRE(prepare_runtime_folder(path, AccessPolicy{::geteuid(), ::getegid()}));
  CHECK(mode_of(path) == 0750);
}

TEST_CASE("runtime folder: one that others can write to, or that is a link, is refused") {
  test::TempFolder folder;
  AccessPolicy policy{::geteuid(), {}};
  std::filesystem::create_directory(folder / "open");
  REQUIRE(::chmod((folder / "open").c_str(), 0777) == 0);
  CHECK_FALSE(prepare_runtime_folder(folder / "open", policy));
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_directory_symlink(folder / "real", folder / "link");
  CHECK_FALSE(prepare_runtime_folder(folder / "link", policy));
  test::put_content(folder / "file", "");
  CHECK_FALSE(prepare_runtime_folder(folder / "file", policy));
}
