// Who can bend a path: every kind of owner, mode and list.
#include "base/path_trust.h"

#include <doctest/doctest.h>

using namespace gracevisor::base;

namespace {

constexpr uid_t kDaemon = 0;
constexpr uid_t kAda = 1000;  // whose configuration it is
constexpr uid_t kWeb = 33;    // the app's
constexpr uid_t kBob = 1001;

PathTrust trust() {
  PathTrust result;
  result.judged = true;
  result.users = {kDaemon, kAda};
  result.groups = {kAda};
  return result;
}

struct stat inode(uid_t owner, gid_t group, mode_t mode) {
  struct stat st{};
  st.st_uid = owner;
  st.st_gid = group;
  st.st_mode = mode;
  return st;
}

Writers judge(uid_t owner, gid_t group, mode_t mode, Acl acl = Acl::none) {
  return writers_of(inode(owner, group, mode), acl, trust(), AppUser{kWeb, kWeb});
}

std::string in_sticky(const struct stat& folder, const struct stat& entry) {
  Writers who = replacers_of(folder, Acl::none, entry, trust(), AppUser{kWeb, kWeb});
  return who.app ? "app" : who.stranger;
}

}  // namespace

TEST_CASE("path trust: who can write is told by owner, mode and access control list") {
  struct Row {
    const char* what;
    uid_t owner;
    gid_t group;
    mode_t mode;
    bool app;
    const char* stranger;
  };
  const Row rows[] = {
      {"root's", 0, 0, 0755, false, ""},
      {"root's, and its group", 0, 0, 0775, false, ""},
      {"the configuration's owner", kAda, kAda, 0755, false, ""},
      {"and their private group", kAda, kAda, 0775, false, ""},
      {"the app's user", kWeb, kWeb, 0755, true, ""},
      {"the app's group", 0, kWeb, 0775, true, ""},
      {"a group that only reads", 0, 50, 0755, false, ""},
      {"a third user", kBob, kBob, 0700, false, "belongs to uid 1001"},
      {"a third user who has no right to write now", kBob, kBob, 0555, false, "belongs to uid 1001"},
      {"another group", 0, 50, 0775, false, "can be written by the group gid 50"},
      {"another group in the app's folder", kWeb, 50, 0770, true, "can be written by the group gid 50"},
      {"everyone", 0, 0, 0757, false, "can be written by everyone"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Writers who = judge(row.owner, row.group, row.mode);
    CHECK(who.app == row.app);
    CHECK(who.stranger == row.stranger);
  }
  // The group's bits are the list's mask.
  CHECK(judge(0, 0, 0775, Acl::present).stranger == "can be written by others by its access control list");
  CHECK(judge(0, 0, 0755, Acl::present).stranger.empty());
}

TEST_CASE("path trust: in a sticky folder the owners of folder and entry decide") {
  struct stat tmp = inode(0, 0, S_ISVTX | 0777);
  CHECK(in_sticky(tmp, inode(0, 0, 0600)).empty());
  CHECK(in_sticky(tmp, inode(kAda, kAda, 0777)).empty());
  CHECK(in_sticky(tmp, inode(kWeb, kWeb, 0600)) == "app");
  CHECK(in_sticky(tmp, inode(kBob, kBob, 0600)) == "belongs to uid 1001");
  CHECK(in_sticky(inode(kBob, 0, S_ISVTX | 0777), inode(0, 0, 0600)) == "belongs to uid 1001");
  CHECK(in_sticky(inode(0, 0, 0777), inode(0, 0, 0600)) == "can be written by everyone");
}

TEST_CASE(
    "path trust: a daemon without privileges judges nothing, and names are shown where they are known") {
  PathTrust any = trust();
  any.judged = false;
  CHECK(writers_of(inode(kBob, 50, 0777), Acl::none, any, {}).stranger.empty());
  PathTrust named = trust();
  named.user_name = [](uid_t) { return std::string("bob"); };
  named.group_name = [](gid_t) { return std::string("devs"); };
  CHECK(writers_of(inode(kBob, 0, 0700), Acl::none, named, {}).stranger == "belongs to bob (uid 1001)");
  CHECK(writers_of(inode(0, 50, 0770), Acl::none, named, {}).stranger ==
        "can be written by the group devs (gid 50)");
}
