#include "base/file.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "base/address.h"
#include "base/unique_fd.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using test::content_of;

namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat st{};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 07777;
}

std::size_t entries(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("file: a whole file is read, also one of exactly the limit and an empty one") {
  test::TempFolder folder;
  std::string large(200000, 'x');
  test::put_content(folder / "large", large);
  CHECK(base::read_file(folder / "large", large.size()).value() == large);
  test::put_content(folder / "empty", "");
  CHECK(base::read_file(folder / "empty", 0).value().empty());
}

TEST_CASE("file: one byte beyond the limit is an error") {
  test::TempFolder folder;
  test::put_content(folder / "file", "12345");
  auto read = base::read_file(folder / "file", 4);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().what == (folder / "file").string() + " is longer than 4 bytes");
}

TEST_CASE("file: what is no regular file is named, and nothing waits for it") {
  test::TempFolder folder;
  const auto said = [](const std::filesystem::path& path) { return base::read_file(path, 10).error().what; };
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(said(fifo) == fifo + " is a FIFO, not a regular file");
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const base::Address address = base::Address::unix_path((folder / "socket").string()).value();
  REQUIRE(::bind(socket.get(), address.get(), address.length()) == 0);
  CHECK(said(folder / "socket") == (folder / "socket").string() + " is a socket, not a regular file");
  CHECK(said("/dev/null") == "/dev/null is a device, not a regular file");
  CHECK(said("/tmp") == "/tmp is a directory");
}

TEST_CASE("file: what is missing or no regular file is an error that says so") {
  test::TempFolder folder;
  auto missing = base::read_file(folder / "missing", 10);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ENOENT);
  CHECK_FALSE(base::read_file(folder.path(), 10).has_value());
  CHECK_FALSE(base::read_file("/dev/zero", 10).has_value());
  // Opening a FIFO would wait for its writer.
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_FALSE(base::read_file(folder / "fifo", 10).has_value());
}

TEST_CASE("file: a replacement has the new content, the mode, and leaves nothing else behind") {
  test::TempFolder folder;
  mode_t before = ::umask(0);
  CHECK(base::replace_file(folder / "state", "one", 0600).has_value());
  CHECK(content_of(folder / "state") == "one");
  CHECK(mode_of(folder / "state") == 0600);
  CHECK(base::replace_file(folder / "state", "two").has_value());
  (void)::umask(before);
  CHECK(content_of(folder / "state") == "two");
  CHECK(mode_of(folder / "state") == 0640);
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("file: the leftover of an interrupted replacement does no harm") {
  test::TempFolder folder;
  test::put_content(folder / "state.new", std::string(1000, 'x'));
  std::filesystem::permissions(folder / "state.new", std::filesystem::perms(0666));
  CHECK(base::replace_file(folder / "state", "short", 0600).has_value());
  CHECK(content_of(folder / "state") == "short");
  CHECK(mode_of(folder / "state") == 0600);
}

TEST_CASE("file: a replacement does not write through a symlink in the place of its temporary file") {
  test::TempFolder folder;
  test::put_content(folder / "victim", "precious");
  std::filesystem::create_symlink(folder / "victim", folder / "state.new");
  CHECK_FALSE(base::replace_file(folder / "state", "content").has_value());
  CHECK(content_of(folder / "victim") == "precious");
}

TEST_CASE("file: a failed replacement leaves the old file and no half-written one") {
  test::TempFolder folder;
  std::filesystem::create_directories(folder / "state/inner");
  auto replaced = base::replace_file(folder / "state", "content");
  REQUIRE_FALSE(replaced.has_value());
  CHECK(replaced.error().what.starts_with("cannot rename "));
  CHECK(std::filesystem::is_directory(folder / "state/inner"));
  CHECK(entries(folder.path()) == 1);
  CHECK_FALSE(base::replace_file(folder / "missing/state", "content").has_value());
}

TEST_CASE("file: missing folders are created, existing ones are left as they are") {
  test::TempFolder folder;
  mode_t before = ::umask(0);
  CHECK(base::make_folders(folder / "a", 0700).has_value());
  CHECK(base::make_folders(folder / "a/b/c", 0750).has_value());
  CHECK(base::make_folders(folder / "a/b/c", 0777).has_value());
  (void)::umask(before);
  CHECK(mode_of(folder / "a") == 0700);
  CHECK(mode_of(folder / "a/b") == 0750);
  CHECK(mode_of(folder / "a/b/c") == 0750);
  CHECK(base::make_folders("", 0750).has_value());
  CHECK(base::make_folders("/", 0750).has_value());
}

TEST_CASE("file: a file in the way of a folder is an error") {
  test::TempFolder folder;
  test::put_content(folder / "file", "");
  for (const char* path : {"file", "file/below"}) {
    auto made = base::make_folders(folder / path, 0750);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == ENOTDIR);
  }
}
