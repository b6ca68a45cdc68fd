#include "control/runtime_folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::control;
using Found = RuntimeFolder::Found;

namespace {
const AccessPolicy kMine{::geteuid(), std::nullopt};
}

TEST_CASE("runtime folder: one that was removed is made again and is ours") {
  test::TempFolder folder;
  auto run = folder / "run";
  auto held = RuntimeFolder::take(run, kMine);
  REQUIRE(held.has_value());
  CHECK(*held->look() == Found::in_place);
  std::filesystem::remove_all(run);
  CHECK(*held->look() == Found::renewed);
  CHECK(*held->look() == Found::in_place);
  struct stat st{};
  REQUIRE(::stat(run.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777U) == 0700);
  CHECK_FALSE(InstanceLock::acquire(run));
  // The lock alone was removed.
  std::filesystem::remove(run / "lock");
  CHECK(*held->look() == Found::renewed);
  CHECK_FALSE(InstanceLock::acquire(run));
}

TEST_CASE("runtime folder: two daemons never both take it for theirs after it was removed") {
  test::TempFolder folder;
  auto run = folder / "run";
  auto first = RuntimeFolder::take(run, kMine);
  REQUIRE(first.has_value());
  std::filesystem::remove_all(run);
  std::optional<RuntimeFolder> second(std::move(*RuntimeFolder::take(run, kMine)));
  auto lost = first->look();
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().code == EWOULDBLOCK);
  CHECK(lost.error().what.ends_with(" runs on " + run.string()));
  CHECK(*second->look() == Found::in_place);
  CHECK_FALSE(first->look().has_value());
  // It comes back to the first one when the second has ended.
  second.reset();
  CHECK(*first->look() == Found::renewed);
}

TEST_CASE("runtime folder: a place that a stranger has taken meanwhile is not used") {
  if (::geteuid() != 0) return;
  test::TempFolder folder;
  auto run = folder / "run";
  auto held = RuntimeFolder::take(run, kMine);
  REQUIRE(held.has_value());
  std::filesystem::remove_all(run);
  std::filesystem::create_directory(run);
  REQUIRE(::chown(run.c_str(), 65534, 65534) == 0);
  auto lost = held->look();
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().what.find("belongs to another user") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(run / "lock"));
}
