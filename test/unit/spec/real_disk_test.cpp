// What keeps a user from executing a file, on a real disk.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "spec/obstacle.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using spawn::Credentials;

namespace {

// The user that a test's files do not belong to.
Credentials stranger() {
  return {.uid = 4'000'000, .gid = 4'000'000, .groups = {4'000'000}, .name = "ada", .home = {}, .shell = {}};
}

std::string said(const std::filesystem::path& file, const Credentials& user) {
  return spec::why_not_executed(spec::RealDisk(), user, file.string(), 0);
}

}  // namespace

TEST_CASE("obstacle: on a disk, the first folder that the user cannot enter, or the file") {
  test::TempFolder folder;
  const auto top = std::filesystem::canonical(folder.path());
  const auto file = std::filesystem::canonical(folder.write("bin/tool", "#!/bin/sh\n", 0755));
  CHECK(said(file, stranger()) == "ada cannot enter " + top.string());
  REQUIRE(::chmod(top.c_str(), 0755) == 0);
  CHECK(said(file, stranger()).empty());
  REQUIRE(::chmod(file.parent_path().c_str(), 0700) == 0);
  CHECK(said(file, stranger()) == "ada cannot enter " + file.parent_path().string());
  REQUIRE(::chmod(file.parent_path().c_str(), 0755) == 0);
  REQUIRE(::chmod(file.c_str(), 0754) == 0);
  CHECK(said(file, stranger()) == file.string() + " is not executable for ada: chmod +x");
}

TEST_CASE("obstacle: on a disk, owner, group and supplementary groups count, each with its own bit") {
  test::TempFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const auto file = std::filesystem::canonical(folder.write("tool", "#!/bin/sh\n", 0710));
  Credentials user = stranger();
  CHECK_FALSE(said(file, user).empty());
  user.groups.push_back(::getegid());
  CHECK(said(file, user).empty());
  REQUIRE(::chmod(file.c_str(), 0701) == 0);
  CHECK_FALSE(said(file, user).empty());  // a member is no other
}

TEST_CASE("obstacle: on a disk, a link leads to where the user cannot go") {
  test::TempFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const auto file = std::filesystem::canonical(folder.write("home/python", "#!/bin/sh\n", 0755));
  REQUIRE(::chmod(file.parent_path().c_str(), 0700) == 0);
  std::filesystem::create_symlink(file, folder / "python");
  CHECK(said(folder / "python", stranger())
            .starts_with("ada cannot enter " + file.parent_path().string() + " ("));
}

TEST_CASE("obstacle: on a disk, an interpreter that is not there is found before anything is started") {
  test::TempFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const auto file = std::filesystem::canonical(folder.write("tool", "#!/gone/python\n", 0755));
  CHECK(said(file, stranger()) == file.string() + ": its interpreter /gone/python: /gone does not exist");
}
