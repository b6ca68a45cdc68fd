#include "output/log_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/numbered_files.h"
#include "base/unique_fd.h"
#include "output/log_files.h"
#include "support/manual_clock.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using std::chrono::seconds;
using test::content_of;

namespace {

struct Fixture {
  test::TempFolder folder;
  test::ManualClock clock;
  handoff::Tally lost;
  std::filesystem::path path = folder / "web.log";

  LogFile file(std::uint64_t max_size = 1 << 20, unsigned keep = 3) {
    return {FilePolicy{path, max_size, keep}, clock, lost};
  }
};

std::filesystem::path old_file(const std::filesystem::path& path, unsigned number) {
  return path.parent_path() / base::old_name(path.filename(), number);
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat st{};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 07777;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "log file: lines are appended to what is there, with mode 0640") {
  mode_t before = ::umask(0);
  {
    auto log = file();
    log.append("one\ntwo\n", {});
    log.append("three\n", {});
  }
  (void)::umask(before);
  auto again = file();
  again.append("four\n", {});
  CHECK(content_of(path) == "one\ntwo\nthree\nfour\n");
  CHECK(mode_of(path) == 0640);
}

TEST_CASE_FIXTURE(Fixture, "log file: missing folders are created with mode 0750") {
  mode_t before = ::umask(0);
  path = folder / "a/b/web.log";
  auto log = file();
  log.append("line\n", {});
  (void)::umask(before);
  CHECK(content_of(path) == "line\n");
  CHECK(mode_of(folder / "a") == 0750);
  CHECK(mode_of(folder / "a/b") == 0750);
}

TEST_CASE_FIXTURE(Fixture, "log file: rotation happens between lines and keeps so many old files") {
  auto log = file(10, 2);
  log.append("aaaa\nbbbb\ncccc\ndddd\neeee\nffff\n", {});
  log.append("gggg\n", {});
  CHECK(content_of(path) == "gggg\n");
  CHECK(content_of(old_file(path, 1)) == "eeee\nffff\n");
  CHECK(content_of(old_file(path, 2)) == "cccc\ndddd\n");
  CHECK_FALSE(std::filesystem::exists(old_file(path, 3)));
}

TEST_CASE_FIXTURE(Fixture, "log file: the size that an earlier run left counts for rotation") {
  test::put_content(path, "12345678\n");
  auto log = file(10, 1);
  log.append("next\n", {});
  CHECK(content_of(path) == "next\n");
  CHECK(content_of(old_file(path, 1)) == "12345678\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: a line longer than a whole file stays whole in a file of its own") {
  auto log = file(8, 3);
  log.append("a\n" + std::string(50, 'x') + "\nb\n", {});
  CHECK(content_of(path) == "b\n");
  CHECK(content_of(old_file(path, 1)) == std::string(50, 'x') + "\n");
  CHECK(content_of(old_file(path, 2)) == "a\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: with no old files to keep, rotation starts an empty one") {
  auto log = file(6, 0);
  log.append("aaaa\nbbbb\n", {});
  CHECK(content_of(path) == "bbbb\n");
  CHECK_FALSE(std::filesystem::exists(old_file(path, 1)));
}

TEST_CASE_FIXTURE(Fixture, "log file: a maximum of 0 never rotates") {
  auto log = file(0, 3);
  log.append("aaaa\nbbbb\n", {});
  CHECK(content_of(path) == "aaaa\nbbbb\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: fewer old files wanted removes the surplus at the next rotation") {
  auto log = file(6, 4);
  log.append("aaaa\nbbbb\ncccc\ndddd\n", {});
  REQUIRE(std::filesystem::exists(old_file(path, 3)));
  log.set_policy(FilePolicy{path, 6, 1});
  log.append("eeee\n", {});
  CHECK(content_of(old_file(path, 1)) == "dddd\n");
  CHECK_FALSE(std::filesystem::exists(old_file(path, 2)));
  CHECK_FALSE(std::filesystem::exists(old_file(path, 3)));
}

TEST_CASE_FIXTURE(Fixture, "log file: a gap that a crash left in the numbers is filled and nothing is lost") {
  test::put_content(path, "now\n");
  test::put_content(old_file(path, 2), "older\n");
  auto log = file(6, 3);
  log.append("next\n", {});
  CHECK(content_of(path) == "next\n");
  CHECK(content_of(old_file(path, 1)) == "now\n");
  CHECK(content_of(old_file(path, 2)) == "older\n");
  CHECK_FALSE(std::filesystem::exists(old_file(path, 3)));
}

TEST_CASE_FIXTURE(Fixture,
                  "log file: a full disk drops with count, and the marker tells once it is writable") {
  std::filesystem::create_symlink("/dev/full", path);
  auto log = file();
  log.append("one\ntwo\n", {});
  log.append("three\n", {});
  CHECK(log.degraded());
  CHECK(lost.read() == 3);

  std::filesystem::remove(path);
  clock.advance(seconds(1));
  log.append("four\n", {});
  CHECK(lost.read() == 4);
  CHECK_FALSE(std::filesystem::exists(path));

  clock.advance(seconds(1));
  log.append("five\n", {});
  CHECK_FALSE(log.degraded());
  CHECK(content_of(path) == "[gracevisor: 4 lines, 19 bytes dropped]\nfive\n");
  CHECK(lost.read() == 4);
}

TEST_CASE_FIXTURE(Fixture, "log file: the marker is written without a further line once its time has come") {
  std::filesystem::create_symlink("/dev/full", path);
  auto log = file();
  log.append("one\n", {});
  std::filesystem::remove(path);
  log.tick();
  CHECK_FALSE(std::filesystem::exists(path));
  clock.advance(seconds(2));
  log.tick();
  CHECK(content_of(path) == "[gracevisor: 1 lines, 4 bytes dropped]\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: a file that cannot be opened degrades and recovers") {
  std::filesystem::create_directory(path);
  auto log = file();
  log.append("one\n", {});
  CHECK(log.degraded());
  std::filesystem::remove(path);
  clock.advance(seconds(2));
  log.append("two\n", {});
  CHECK(content_of(path) == "[gracevisor: 1 lines, 4 bytes dropped]\ntwo\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: what was dropped on the way is told in front of the next lines") {
  auto log = file();
  log.append("one\n", {});
  log.append("two\n", Dropped{7, 700});
  CHECK(content_of(path) == "one\n[gracevisor: 7 lines, 700 bytes dropped]\ntwo\n");
  CHECK(lost.read() == 0);
}

TEST_CASE_FIXTURE(Fixture, "log file: a line in many pieces of one source stays as it was") {
  auto log = file();
  Source app(1);
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    std::string piece(65536, static_cast<char>('a' + i));
    log.append(piece, {}, app, app);
    expected += piece;
  }
  log.append("end\n", {}, app, app);
  CHECK(content_of(path) == expected + "end\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: another source never goes on in an unfinished line") {
  auto log = file();
  log.append("one, ", {}, Source(1), Source(1));
  log.append("two\n", {}, Source(2), Source(2));
  log.append("three, ", {}, Source(1), Source(1));
  log.append("whole\n", {});
  log.append("four", {}, Source(3), Source(3));
  log.append("five\n", Dropped{1, 9}, Source(3), Source(3));
  CHECK(content_of(path) ==
        "one, \ntwo\nthree, \nwhole\nfour\n[gracevisor: 1 lines, 9 bytes dropped]\nfive\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: a line that has begun in a file ends there before the next rotation") {
  auto log = file(10, 3);
  log.append("aaaa\nbb", {}, Source(1), Source(1));
  log.append("bbbbbbbbbbbb\ncccc\n", {}, Source(1), Source(1));
  CHECK(content_of(path) == "cccc\n");
  CHECK(content_of(old_file(path, 1)) == "aaaa\nbbbbbbbbbbbbbb\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: a line without an end is cut by rotation and keeps its bytes") {
  auto log = file(1 << 20, 100);
  Source app(1);
  std::string piece(65536, 'x');
  for (int i = 0; i < 100; ++i) log.append(piece, {}, app, app);
  log.append("end\n", {}, app, app);
  std::string all = content_of(path);
  CHECK(all.size() <= 4U << 20);
  for (unsigned number = 1; std::filesystem::exists(old_file(path, number)); ++number) {
    std::string old = content_of(old_file(path, number));
    CHECK(old.size() <= 4U << 20);
    all = old + all;
  }
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += piece;
  CHECK(all == expected + "end\n");
  CHECK(std::filesystem::exists(old_file(path, 1)));
}

TEST_CASE_FIXTURE(Fixture, "log file: the mode of what is created does not depend on the umask") {
  mode_t before = ::umask(077);
  path = folder / "a/b/web.log";
  auto log = file();
  log.append("line\n", {});
  (void)::umask(before);
  CHECK(mode_of(path) == 0640);
  CHECK(mode_of(folder / "a") == 0750);
  CHECK(mode_of(folder / "a/b") == 0750);
}

TEST_CASE_FIXTURE(Fixture, "log file: a file that was there keeps its mode") {
  test::put_content(path, "");
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  auto log = file();
  log.append("line\n", {});
  CHECK(mode_of(path) == 0600);
}

TEST_CASE_FIXTURE(Fixture, "log file: the reader of a pipe at /dev/stdout may be a little slow") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  base::UniqueFd reader(ends[0]);
  base::UniqueFd writer(ends[1]);
  path = "/dev/stdout";
  auto log = file();
  {
    // The test's own standard output is another one while the log opens it.
    base::UniqueFd own(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    REQUIRE(own);
    REQUIRE(::dup2(writer.get(), STDOUT_FILENO) == STDOUT_FILENO);
    log.reopen();
    REQUIRE(::dup2(own.get(), STDOUT_FILENO) == STDOUT_FILENO);
  }
  REQUIRE_FALSE(log.degraded());
  constexpr std::size_t kSize = 1U << 20;
  std::size_t got = 0;
  std::thread slow([&] {
    std::vector<char> buffer(65536);
    pollfd readable{reader.get(), POLLIN, 0};
    while (got < kSize && ::poll(&readable, 1, 20000) > 0) {
      ssize_t n = ::read(reader.get(), buffer.data(), buffer.size());
      if (n > 0) got += static_cast<std::size_t>(n);
    }
  });
  for (std::size_t i = 0; i < kSize / 65536; ++i) {
    std::string piece(65536, 'x');
    piece.back() = '\n';
    log.append(piece, {});
  }
  if (lost.read() != 0) reader.reset();  // ends the reader as well
  slow.join();
  CHECK(lost.read() == 0);
  CHECK(got == kSize);
}

TEST_CASE_FIXTURE(Fixture, "log file: reopen writes to a new file after a rename from outside") {
  auto log = file();
  log.append("one\n", {});
  std::filesystem::rename(path, folder / "moved");
  log.append("two\n", {});
  log.reopen();
  CHECK(std::filesystem::exists(path));
  log.append("three\n", {});
  CHECK(content_of(folder / "moved") == "one\ntwo\n");
  CHECK(content_of(path) == "three\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: a removal from outside is noticed after 5 s without being told") {
  auto log = file();
  log.append("one\n", {});
  std::filesystem::remove(path);
  clock.advance(seconds(4));
  log.append("two\n", {});
  CHECK_FALSE(std::filesystem::exists(path));
  clock.advance(seconds(1));
  log.append("three\n", {});
  CHECK(content_of(path) == "three\n");
}

TEST_CASE_FIXTURE(Fixture, "log file: a device is never renamed") {
  path = "/dev/null";
  auto log = file(4, 2);
  log.append("aaaa\nbbbb\n", {});
  CHECK(std::filesystem::is_character_file(path));
  CHECK_FALSE(std::filesystem::exists(old_file(path, 1)));
  CHECK_FALSE(log.degraded());
}

TEST_CASE_FIXTURE(Fixture, "log file: a FIFO is refused and costs its lines, not the writer") {
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  auto log = file();
  log.append("one\n", {});
  CHECK(log.degraded());
  CHECK(lost.read() == 1);
  // With a reader as well.
  base::UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(reader);
  log.reopen();
  CHECK(log.degraded());
}

TEST_CASE_FIXTURE(Fixture, "log files: an idle file is closed, a degraded one is kept") {
  LogFiles files(clock, lost);
  std::filesystem::create_directory(folder / "bad.log");
  files.append({{path, 100, 1}, "one\n", {}, {}, {}});
  files.append({{folder / "bad.log", 100, 1}, "one\n", {}, {}, {}});
  CHECK(files.open_files() == 2);
  clock.advance(seconds(59));
  files.tick();
  CHECK(files.open_files() == 2);
  clock.advance(seconds(1));
  files.tick();
  CHECK(files.open_files() == 1);
  files.append({{path, 100, 1}, "two\n", {}, {}, {}});
  CHECK(content_of(path) == "one\ntwo\n");
}
