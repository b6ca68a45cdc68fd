#include "spec/obstacle.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "support/temp_folder.h"

namespace gracevisor::spec {
namespace {

using Kind = FileEntry::Kind;

// A disk as a table: what is not in it is missing.
class TableDisk final : public Disk {
 public:
  std::map<std::string, FileEntry> entries;
  std::map<std::string, std::string> contents;
  std::string noexec;

  TableDisk() {
    for (const char* path : {"/", "/srv", "/usr", "/usr/bin", "/bin"}) entries[path] = {Kind::folder, 0755};
    entries["/root"] = {Kind::folder, 0700};
    entries["/root/venv"] = {Kind::folder, 0755};
    add("/usr/bin/python3",
        "\x7f"
        "ELF");
    add("/bin/sh",
        "\x7f"
        "ELF");
  }
  void add(const std::string& path, const std::string& content, mode_t mode = 0755) {
    entries[path] = {Kind::file, mode};
    contents[path] = content;
  }
  void link(const std::string& path, const std::string& target) {
    entries[path] = {Kind::link, 0777, 0, 0, target};
  }

  [[nodiscard]] FileEntry look(const std::string& path) const override {
    auto found = entries.find(path);
    return found == entries.end() ? FileEntry{} : found->second;
  }
  [[nodiscard]] std::string first_bytes(const std::string& path) const override {
    auto found = contents.find(path);
    return found == contents.end() ? "" : found->second.substr(0, kFirstBytes);
  }
  [[nodiscard]] bool is_mounted_noexec(const std::string& path) const override {
    return !noexec.empty() && path.starts_with(noexec);
  }
};

spawn::Credentials user(const std::string& name, uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
  spawn::Credentials who;
  who.name = name;
  who.uid = uid;
  who.gid = gid;
  who.groups = std::move(groups);
  return who;
}

const spawn::Credentials kRoot = user("root", 0, 0);
const spawn::Credentials kNobody = user("nobody", 65534, 65534);

TEST_CASE("obstacle: a script says what is wrong with its first line") {
  TableDisk disk;
  disk.add("/srv/run", "#!/usr/bin/nopython\nprint()\n");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOENT) ==
        "/srv/run: its interpreter /usr/bin/nopython does not exist");
  disk.add("/srv/run", "#! /usr/bin/python3 -u\n");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOENT).find("/usr/bin/python3 is a binary whose loader") !=
        std::string::npos);
  disk.add("/srv/run", "echo hello\n");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOEXEC).starts_with("/srv/run has no #! line"));
  disk.add("/srv/run", "");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOEXEC) == "/srv/run is empty or cannot be read");
  disk.add("/srv/run", "#!\n");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOEXEC) ==
        "/srv/run has a #! line that names no interpreter");
  disk.add("/srv/run", "#!/bin/sh\r\necho\r\n");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOENT).find("Windows line ends") != std::string::npos);
  disk.add("/srv/run",
           "\x7f"
           "ELF");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOEXEC) ==
        "/srv/run is a binary for another processor or system");
}

TEST_CASE("obstacle: interpreters that are scripts are followed, but not for ever") {
  TableDisk disk;
  disk.add("/srv/run", "#!/srv/inner\n");
  disk.add("/srv/inner", "#!/srv/gone\n");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOENT) ==
        "/srv/run: its interpreter /srv/inner: its interpreter /srv/gone does not exist");
  disk.add("/srv/inner", "#!/srv/run\n");
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ELOOP).find("too many interpreters") != std::string::npos);
}

TEST_CASE("obstacle: a folder that the app's user cannot enter is named, with the link that leads there") {
  TableDisk disk;
  disk.add("/root/venv/python",
           "\x7f"
           "ELF");
  disk.link("/srv/python", "/root/venv/python");
  CHECK(why_not_executed(disk, kNobody, "/srv/python", EACCES) ==
        "nobody cannot enter /root (/srv/python is a link there)");
  CHECK(why_not_executed(disk, kRoot, "/srv/python", EACCES).empty());
  disk.add("/srv/run", "#!/srv/python\n");
  CHECK(why_not_executed(disk, kNobody, "/srv/run", EACCES) ==
        "/srv/run: its interpreter /srv/python: nobody cannot enter /root (/srv/python is a link there)");
  CHECK(why_not_entered(disk, kNobody, "/root") == "nobody cannot enter /root");
  CHECK(why_not_entered(disk, kNobody, "/srv").empty());
  CHECK(why_not_entered(disk, kNobody, "/srv/gone") == "/srv/gone does not exist");
}

TEST_CASE("obstacle: owner, group and others are told apart as by the kernel") {
  TableDisk disk;
  disk.entries["/srv/run"] = {Kind::file, 0610, 7, 8};
  disk.contents["/srv/run"] =
      "\x7f"
      "ELF";
  CHECK(why_not_executed(disk, user("owner", 7, 8), "/srv/run", EACCES) ==
        "/srv/run is not executable for owner: chmod +x");
  CHECK(why_not_executed(disk, user("member", 9, 8), "/srv/run", EACCES).empty());
  CHECK(why_not_executed(disk, user("member", 9, 9, {3, 8}), "/srv/run", EACCES).empty());
  CHECK_FALSE(why_not_executed(disk, kNobody, "/srv/run", EACCES).empty());
  CHECK(why_not_executed(disk, kRoot, "/srv/run", EACCES).empty());
  disk.entries["/srv/run"].mode = 0644;
  CHECK_FALSE(why_not_executed(disk, kRoot, "/srv/run", EACCES).empty());
}

TEST_CASE("obstacle: the path itself may be the obstacle") {
  TableDisk disk;
  CHECK(why_not_executed(disk, kRoot, "/srv/a/b", ENOENT) == "/srv/a does not exist");
  disk.add("/srv/a", "x");
  CHECK(why_not_executed(disk, kRoot, "/srv/a/b", ENOTDIR) == "/srv/a is not a folder");
  CHECK(why_not_executed(disk, kRoot, "/srv", EACCES) == "/srv is a folder");
  CHECK(why_not_executed(disk, kRoot, "/usr/../srv/./a", ENOEXEC).starts_with("/srv/a has no #! line"));
  disk.link("/srv/x", "y");
  disk.link("/srv/y", "x");
  CHECK(why_not_executed(disk, kRoot, "/srv/x", ELOOP).starts_with("too many links on the way"));
  disk.link("/srv/up", "../usr/bin/python3");
  CHECK(why_not_executed(disk, kRoot, "/srv/up", EACCES).empty());
  disk.noexec = "/usr";
  CHECK(why_not_executed(disk, kRoot, "/srv/up", EACCES) == "/usr/bin/python3 is on a mount with noexec");
}

TEST_CASE("obstacle: bytes of hostile files cannot write to a terminal or forge a line of the log") {
  TableDisk disk;
  disk.add("/srv/run", "#!/\x1b[31m\"x\x01y\n");
  const std::string why = why_not_executed(disk, kRoot, "/srv/run", ENOENT);
  CHECK(why == "/srv/run: its interpreter /?[31m?x?y does not exist");
  disk.add("/srv/run", "#!/" + std::string(5000, 'a'));
  CHECK(why_not_executed(disk, kRoot, "/srv/run", ENOENT).size() < 600);
}

TEST_CASE("obstacle: a failure is explained where its stage has to do with a path") {
  const TableDisk disk;
  spawn::SpawnPlan plan;
  plan.program = "/srv/gone";
  plan.directory = "/root";
  plan.credentials = kNobody;
  using spawn::SpawnFailed;
  using spawn::SpawnStage;
  CHECK(explained(disk, plan, SpawnFailed{SpawnStage::exec, ENOENT}).why == "/srv/gone does not exist");
  CHECK(explained(disk, plan, SpawnFailed{SpawnStage::chdir, EACCES}).why == "nobody cannot enter /root");
  CHECK(explained(disk, plan, SpawnFailed{SpawnStage::uid, EPERM}).why.empty());
  plan.program = "/usr/bin/python3";
  CHECK(explained(disk, plan, SpawnFailed{SpawnStage::exec, E2BIG}).why ==
        "/usr/bin/python3: " + base::errno_text(E2BIG));
}

TEST_CASE("obstacle: on a real disk, links, modes and first bytes are seen, and a FIFO is not opened") {
  const test::TempFolder folder;
  const RealDisk disk;
  const std::string at = std::filesystem::canonical(folder.path()).string();
  const auto write = [&](const std::string& name, const std::string& content, mode_t mode) {
    (void)folder.write(name, content, mode);
  };
  write("run", "#!/gone/python\n", 0755);
  write("plain", "#!/bin/sh\n", 0644);
  REQUIRE(::symlink("run", (at + "/link").c_str()) == 0);
  REQUIRE(::mkfifo((at + "/fifo").c_str(), 0755) == 0);
  CHECK(why_not_executed(disk, own_rights(), at + "/link", ENOENT) ==
        at + "/run: its interpreter /gone/python: /gone does not exist");
  CHECK(why_not_executed(disk, own_rights(), at + "/plain", EACCES).find("is not executable for") !=
        std::string::npos);
  CHECK(disk.first_bytes(at + "/fifo").empty());
  CHECK(why_not_executed(disk, own_rights(), at + "/fifo", EACCES) == at + "/fifo is not a file");
}

}  // namespace
}  // namespace gracevisor::spec
