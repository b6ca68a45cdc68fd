// What state files keep besides the keys of the configuration, which have a table of their own
// (config/key.h). Each structure is taken apart by a structured binding: if a member is added to a structure
// but forgotten here, the code does not compile. Thread: any.
#pragma once

#include "base/file_stamp.h"
#include "config/keys.h"
#include "spec/spec.h"

namespace gracevisor::spec {

using config::IsA;

void fields(auto& archive, IsA<config::Source> auto& value) {
  auto& [file, line, column] = value;
  archive.kept("file", file);
  archive.kept("line", line);
  archive.kept("column", column);
}

void fields(auto& archive, IsA<base::FileStamp> auto& value) {
  auto& [device, inode, size, changed_s, changed_ns] = value;
  archive.kept("device", device);
  archive.kept("inode", inode);
  archive.kept("size", size);
  archive.kept("changed_s", changed_s);
  archive.kept("changed_ns", changed_ns);
}

void fields(auto& archive, IsA<config::PortRange> auto& value) {
  auto& [first, last] = value;
  archive.kept("first", first);
  archive.kept("last", last);
}

void fields(auto& archive, IsA<config::EnvironmentFile> auto& value) {
  auto& [path, optional] = value;
  archive.kept("path", path);
  archive.kept("optional", optional);
}

void fields(auto& archive, IsA<config::StatusRange> auto& value) {
  auto& [first, last] = value;
  archive.kept("first", first);
  archive.kept("last", last);
}

void fields(auto& archive, IsA<config::StopStep> auto& value) {
  auto& [signal, wait] = value;
  archive.kept("signal", signal);
  archive.kept("wait", wait);
}

void fields(auto& archive, IsA<config::OpenFiles> auto& value) {
  auto& [soft, hard] = value;
  archive.kept("soft", soft);
  archive.kept("hard", hard);
}

void fields(auto& archive, IsA<config::ErrorPage> auto& value) {
  auto& [statuses, file, html] = value;
  archive.kept("statuses", statuses);
  archive.kept("file", file);
  archive.kept("html", html);
}

void fields(auto& archive, IsA<config::Cidr> auto& value) {
  auto& [network, prefix] = value;
  archive.kept("network", network);
  archive.kept("prefix", prefix);
}

void fields(auto& archive, IsA<Credentials> auto& value) {
  auto& [uid, gid, groups, name, home, shell] = value;
  archive.kept("uid", uid);
  archive.kept("gid", gid);
  archive.kept("groups", groups);
  archive.kept("name", name);
  archive.kept("home", home);
  archive.kept("shell", shell);
}

void fields(auto& archive, IsA<Spec> auto& value) {
  auto& [app, directory, program, environment, inherited, credentials, no_new_privileges, listeners] = value;
  archive.kept("app", app);
  archive.kept("directory", directory);
  archive.kept("program", program);
  archive.kept("environment", environment);
  archive.kept("inherited", inherited);
  archive.kept("credentials", credentials);
  archive.kept("no_new_privileges", no_new_privileges);
  archive.kept("listeners", listeners);
}

}  // namespace gracevisor::spec
