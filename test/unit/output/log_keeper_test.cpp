// The upkeep of old files in real folders; what compresses is played by the test.
#include "output/log_keeper.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/manual_clock.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using test::content_of;
using test::put_content;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kWeb = 12345;

struct Fixture {
  test::TempFolder folder;
  test::ManualClock clock;
  base::Expected<spawn::Launcher> launcher = spawn::Launcher::open({GV_EXEC});
  spawn::Credentials web{kWeb, kWeb, {kWeb}, "web", "/", "/bin/sh"};
  std::vector<std::string> told;
  std::optional<Compression> job;
  bool takes = true;
  LogKeeper keeper{clock, ways(), [this](Compression what) {
                     if (takes) job = std::move(what);
                     return takes;
                   }};

  LogWays ways() {
    REQUIRE(launcher.has_value());
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    base::PathTrust trust;
    trust.judged = true;
    trust.users = {::geteuid()};
    LogWays ways;
    ways.opener = std::make_shared<const LogOpener>(trust, std::nullopt, &*launcher);
    ways.tell = [this](const std::string& path, const std::string& cause) {
      told.push_back(path + ": " + cause);
    };
    return ways;
  }
  LogUpkeep upkeep(const fs::path& path) {
    LogUpkeep upkeep;
    upkeep.app = "web";
    upkeep.files = {
        FilePolicy{.path = path, .max_size = 1, .keep = 9, .user = ::geteuid() == 0 ? &web : nullptr}};
    return upkeep;
  }
  // Compresses what was handed out: into "gz:" and the content.
  void do_job() {
    REQUIRE(job.has_value());
    std::string content(1000, '\0');
    const ssize_t n = ::read(job->from.get(), content.data(), content.size());
    REQUIRE(n >= 0);
    content = "gz:" + content.substr(0, static_cast<std::size_t>(n));
    REQUIRE(::write(job->into.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    job.reset();
    keeper.finished({});
  }
  static void age(const fs::path& path, int seconds) {
    const timespec then{::time(nullptr) - seconds, 0};
    const timespec times[2] = {then, then};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "log keeper: limits are enforced when they are told, after a rotation, and by the clock") {
  const fs::path log = folder / "web.log";
  put_content(log, "now");
  put_content(log.string() + ".1", "12345");
  put_content(log.string() + ".2", "12345");
  LogUpkeep limits = upkeep(log);
  limits.total_size = 9;
  keeper.keep(limits);
  keeper.work();
  CHECK(fs::exists(log.string() + ".1"));
  CHECK_FALSE(fs::exists(log.string() + ".2"));
  put_content(log.string() + ".2", "12345");
  keeper.work();
  CHECK(fs::exists(log.string() + ".2"));
  keeper.rotated(folder / "other.log");
  keeper.work();
  CHECK(fs::exists(log.string() + ".2"));
  keeper.rotated(log);
  keeper.work();
  CHECK_FALSE(fs::exists(log.string() + ".2"));
  limits.total_size = 0;
  limits.max_age = std::chrono::seconds(100);
  keeper.keep(limits);
  keeper.work();
  CHECK(fs::exists(log.string() + ".1"));
  age(log.string() + ".1", 200);
  age(log, 200);
  clock.advance(LogKeeper::kInterval);
  keeper.work();
  CHECK_FALSE(fs::exists(log.string() + ".1"));
  CHECK(fs::exists(log));
  // No limit any more.
  put_content(log.string() + ".1", "12345");
  age(log.string() + ".1", 200);
  keeper.keep(upkeep(log));
  clock.advance(LogKeeper::kInterval);
  keeper.work();
  CHECK(fs::exists(log.string() + ".1"));
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(Fixture, "log keeper: old files are compressed one by one, and rotated meanwhile") {
  const fs::path log = folder / "web.log";
  put_content(log, "now");
  put_content(log.string() + ".1", "one");
  put_content(log.string() + ".2", "two");
  age(log.string() + ".2", 50);
  LogUpkeep limits = upkeep(log);
  limits.compress = true;
  keeper.keep(limits);
  keeper.work();
  REQUIRE(job.has_value());
  CHECK(job->path == log.string());
  keeper.rotated(log);
  keeper.work();  // no second one
  const auto opener = ways().opener;
  REQUIRE(opener->rotate(limits.files[0]).has_value());
  do_job();
  CHECK(content_of(log.string() + ".3.gz") == "gz:two");
  CHECK_FALSE(fs::exists(log.string() + ".3"));
  CHECK(content_of(log.string() + ".2") == "one");
  while (job) do_job();
  CHECK(content_of(log.string() + ".2.gz") == "gz:one");
  CHECK(content_of(log.string() + ".1.gz") == "gz:now");
  CHECK_FALSE(fs::exists(log.string() + ".gz.part"));
  struct stat st{};
  REQUIRE(::stat((log.string() + ".1.gz").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0640);
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "log keeper: what could not be compressed stays, is told about, and is tried later") {
  const fs::path log = folder / "web.log";
  put_content(log.string() + ".1", "one");
  LogUpkeep limits = upkeep(log);
  limits.compress = true;
  keeper.keep(limits);
  keeper.work();
  REQUIRE(job.has_value());
  job.reset();
  keeper.finished("gzip: exit 1");
  CHECK(told == std::vector<std::string>{log.string() + ".*: cannot be compressed: gzip: exit 1"});
  CHECK(content_of(log.string() + ".1") == "one");
  CHECK_FALSE(fs::exists(log.string() + ".gz.part"));
  clock.advance(LogKeeper::kInterval);
  keeper.work();
  CHECK_FALSE(job.has_value());
  clock.advance(LogKeeper::kPause);
  keeper.work();
  do_job();
  CHECK(content_of(log.string() + ".1.gz") == "gz:one");
  CHECK(told.size() == 1);
  clock.advance(LogKeeper::kInterval);
  keeper.work();
  CHECK(told.back() == log.string() + ".*: ");
  CHECK(told.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "log keeper: what it no longer looks after is no trouble any more") {
  const fs::path log = folder / "web.log";
  put_content(log.string() + ".1", "one");
  LogUpkeep limits = upkeep(log);
  limits.compress = true;
  keeper.keep(limits);
  keeper.work();
  job.reset();
  keeper.finished("gzip: exit 1");
  CHECK(told.size() == 1);
  keeper.keep(limits);
  CHECK(told.size() == 1);
  keeper.keep(upkeep(log));
  CHECK(told.size() == 2);
  CHECK(told.back() == log.string() + ".*: ");
}

TEST_CASE_FIXTURE(Fixture, "log keeper: apps take turns, and one whose files always fail holds up no other") {
  const auto app = [this](const std::string& name) {
    LogUpkeep limits = upkeep(folder / (name + ".log"));
    limits.app = name;
    limits.compress = true;
    return limits;
  };
  for (const char* file : {"a.log.1", "a.log.2", "a.log.3", "b.log.1", "c.log.1"}) {
    put_content(folder / file, "old");
  }
  for (const char* name : {"a", "b", "c"}) keeper.keep(app(name));
  keeper.work();
  REQUIRE(job.has_value());
  CHECK(job->path == (folder / "a.log").string());
  job.reset();
  keeper.finished("gzip: exit 1");
  std::vector<std::string> compressed;
  while (job) {
    compressed.push_back(job->path);
    do_job();
  }
  CHECK(compressed == std::vector<std::string>{folder / "b.log", folder / "c.log"});
  clock.advance(LogKeeper::kPause);
  put_content(folder / "b.log.2", "older");
  keeper.work();
  compressed.clear();
  while (job) {
    compressed.push_back(job->path);
    do_job();
  }
  CHECK(compressed ==
        std::vector<std::string>{folder / "a.log", folder / "a.log", folder / "b.log", folder / "a.log"});
}

TEST_CASE_FIXTURE(Fixture, "log keeper: what another process is still compressing is left alone") {
  const fs::path log = folder / "web.log";
  put_content(log.string() + ".1", "one");
  LogUpkeep limits = upkeep(log);
  limits.compress = true;
  auto others = ways().opener->begin_compressed(limits.files[0]);
  REQUIRE(others.has_value());
  keeper.keep(limits);
  keeper.work();
  CHECK_FALSE(job.has_value());
  CHECK(told.empty());
  CHECK(fs::exists(log.string() + ".gz.part"));
  others->reset();
  keeper.work();
  CHECK_FALSE(job.has_value());
  clock.advance(LogKeeper::kBusy);
  keeper.work();
  do_job();
  CHECK(content_of(log.string() + ".1.gz") == "gz:one");
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(Fixture, "log keeper: one that is removed while it is compressed is gone") {
  const fs::path log = folder / "web.log";
  put_content(log.string() + ".1", "one");
  LogUpkeep limits = upkeep(log);
  limits.compress = true;
  keeper.keep(limits);
  keeper.work();
  fs::remove(log.string() + ".1");
  do_job();
  CHECK(fs::is_empty(folder.path()));
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(Fixture, "log keeper: in the folder of an app's user it is done with that user's rights") {
  if (::geteuid() != 0) return test::skip("needs root");
  const fs::path home = folder / "home";
  fs::create_directory(home);
  REQUIRE(::chown(home.c_str(), kWeb, kWeb) == 0);
  const fs::path log = home / "web.log";
  for (const char* old : {".1", ".2", ".3"}) {
    put_content(log.string() + old, "12345");
    REQUIRE(::chown((log.string() + old).c_str(), kWeb, kWeb) == 0);
  }
  age(log.string() + ".3", 10);
  // It may not be followed anywhere else.
  put_content(folder / "root.1", "mine");
  LogUpkeep limits = upkeep(log);
  limits.total_size = 10;
  limits.compress = true;
  keeper.keep(limits);
  keeper.work();
  CHECK_FALSE(fs::exists(log.string() + ".3"));
  REQUIRE(job.has_value());
  CHECK(job->user == &web);
  do_job();
  while (job) do_job();
  CHECK(content_of(log.string() + ".1.gz") == "gz:12345");
  struct stat st{};
  REQUIRE(::stat((log.string() + ".1.gz").c_str(), &st) == 0);
  CHECK(st.st_uid == kWeb);
  CHECK(told.empty());
  // What only root may remove is not removed for the user.
  put_content(log.string() + ".2", "12345");
  fs::create_directory(home / "sub");
  REQUIRE(::chown(home.c_str(), 0, 0) == 0);
  REQUIRE(::chmod(home.c_str(), 0777) == 0);
  clock.advance(LogKeeper::kInterval);
  keeper.work();
  CHECK(fs::exists(log.string() + ".2"));
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().find("cannot use ") != std::string::npos);
}
