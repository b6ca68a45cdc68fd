#include "spec/barrier.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "support/temp_folder.h"

using namespace gracevisor;
using spec::barrier;
using spec::Credentials;

namespace {

// The user that a test's files do not belong to.
Credentials stranger() {
  return {.uid = 4'000'000, .gid = 4'000'000, .groups = {4'000'000}, .name = "ada", .home = {}, .shell = {}};
}

std::string said(const std::filesystem::path& file, const Credentials& user) {
  return barrier(file, user).value_or("");
}

}  // namespace

TEST_CASE("barrier: the first folder that the user cannot enter, or the file") {
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
  CHECK(said(file, stranger()) == "ada cannot execute " + file.string());
}

TEST_CASE("barrier: owner, group and supplementary groups count, each with its own bit") {
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

TEST_CASE("barrier: a link leads to where the user cannot go") {
  test::TempFolder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const auto file = std::filesystem::canonical(folder.write("home/python", "#!/bin/sh\n", 0755));
  REQUIRE(::chmod(file.parent_path().c_str(), 0700) == 0);
  std::filesystem::create_symlink(file, folder / "python");
  CHECK(said(folder / "python", stranger()) == "ada cannot enter " + file.parent_path().string());
}
