// Records that a killed daemon leaves spoiled: the app whose they are is started anew, once the processes
// that nobody can tell of have ended. All others are untouched.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/restarts.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

namespace fs = std::filesystem;

// Two apps, of which the first one's files are spoiled while no daemon lives.
struct Spoiling {
  Site site;
  std::unique_ptr<DaemonProcess> daemon;
  std::vector<pid_t> web;
  std::vector<pid_t> other;

  Spoiling() {
    site.configure(named_app("web", "@LISTEN@", "instances = 2\n") + named_app("other", "@LISTEN1@"));
    daemon = std::make_unique<DaemonProcess>(site);
    REQUIRE(daemon->wait_healthy("web", 2));
    REQUIRE(daemon->wait_healthy("other", 1));
    REQUIRE(daemon->ctl({"deploy", "web"}).exit_code == 0);
    REQUIRE(wait_until([this] { return daemon->children() == 3; }));
    web = daemon->pids("web");
    other = daemon->pids("other");
  }
  [[nodiscard]] fs::path file(const std::string& name) const {
    return site.directory() / "state" / "apps" / name;
  }
  void restart(const std::function<void()>& spoil) const {
    const pid_t former = daemon->pid();
    StoppedProcess keeper(daemon->keeper());
    daemon->kill_daemon();
    REQUIRE(wait_until([&] { return !alive(former); }));
    spoil();
    keeper.go_on();
    REQUIRE_MESSAGE(next_daemon(*daemon, former) > 0, daemon->log());
  }
  void check_other() const {
    REQUIRE(daemon->wait_healthy("other", 1));
    CHECK(daemon->pids("other") == other);
    CHECK(served_by(site.listener(1)) == "other");
  }
  void check_anew(std::uint64_t generation) const {
    INFO(daemon->log());
    REQUIRE(daemon->wait_healthy("web", 2));
    for (const pid_t pid : web) CHECK(wait_until([&] { return !alive(pid); }));
    CHECK(wait_until([&] { return daemon->children() == 3; }));
    for (const char* name : {"2.1", "2.2"}) {
      CHECK(logged(*daemon, std::string("stray app=web instance=") + name + " pid="));
    }
    CHECK(daemon->app("web")->generation == generation);
    CHECK(served_by(site.listener()) == "web");
    check_other();
    CHECK(daemon->ctl({"deploy", "web"}).exit_code == 0);
    CHECK(daemon->app("web")->generation == generation + 1);
  }
};

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("continuity: an app whose record is damaged is started anew, and the others do not notice") {
  const std::pair<const char*, std::function<void(const fs::path&)>> ways[] = {
      {"truncated",
       [](const fs::path& file) {
         const std::string text = content_of(file);
         put_content(file, text.substr(0, text.size() / 2));
       }},
      {"empty", [](const fs::path& file) { put_content(file, ""); }},
      {"garbage", [](const fs::path& file) { put_content(file, std::string("\x00\xff{[]\n\x01", 7)); }},
      {"lies", [](const fs::path& file) { put_content(file, "{\"version\": 2, \"app\": \"other\"}"); }},
      {"a folder",
       [](const fs::path& file) {
         fs::remove(file);
         fs::create_directory(file);
       }},
  };
  for (const auto& [way, spoil] : ways) {
    CAPTURE(way);
    const Spoiling spoiling;
    spoiling.restart([&] { spoil(spoiling.file("web.json")); });
    spoiling.check_anew(3);
    CHECK(fs::exists(spoiling.file("web.json.bad")));
    CHECK(logged(*spoiling.daemon, "set aside as web.json.bad"));
  }
}

TEST_CASE("continuity: an app whose record is missing is started anew under a new number") {
  const Spoiling spoiling;
  spoiling.restart([&] { fs::remove(spoiling.file("web.json")); });
  spoiling.check_anew(3);
}

TEST_CASE("continuity: an app whose record is of a newer version is started anew, and the record is kept") {
  const Spoiling spoiling;
  std::string newer;
  spoiling.restart([&] {
    newer = changed(content_of(spoiling.file("web.json")), "\"version\": 2", "\"version\": 9");
    put_content(spoiling.file("web.json"), newer);
  });
  spoiling.check_anew(3);
  CHECK(content_of(spoiling.file("web.json.v9")) == newer);
}

TEST_CASE("continuity: a record of another boot tells nothing of what runs, and the app is started anew") {
  const Spoiling spoiling;
  spoiling.restart([&] {
    const std::string text = content_of(spoiling.file("web.json"));
    const std::string key = "\"boot\": \"";
    const std::size_t at = text.find(key);
    REQUIRE(at != std::string::npos);
    const std::string boot = text.substr(at, text.find('"', at + key.size()) - at + 1);
    put_content(spoiling.file("web.json"), changed(text, boot, key + "other\""));
  });
  REQUIRE(spoiling.daemon->wait_healthy("web", 2));
  for (const pid_t pid : spoiling.web) CHECK(wait_until([&] { return !alive(pid); }));
  CHECK(wait_until([&] { return spoiling.daemon->children() == 3; }));
  CHECK(served_by(spoiling.site.listener()) == "web");
  spoiling.check_other();
}

TEST_CASE("continuity: what tells how slots fare and what was done costs no process when it is damaged") {
  for (const bool gone : {false, true}) {
    CAPTURE(gone);
    const Spoiling spoiling;
    spoiling.restart([&] {
      for (const auto& folder : {"apps", "history"}) {
        for (const auto& entry : fs::directory_iterator(spoiling.site.directory() / "state" / folder)) {
          if (entry.path().extension() == ".json" && std::string(folder) == "apps") continue;
          if (gone) {
            fs::remove(entry.path());
          } else {
            put_content(entry.path(), "}garbage");
          }
        }
      }
      if (gone) {
        fs::remove(spoiling.site.directory() / "state" / "processes.json");
      } else {
        put_content(spoiling.site.directory() / "state" / "processes.json", "}garbage");
      }
    });
    INFO(spoiling.daemon->log());
    REQUIRE(spoiling.daemon->wait_healthy("web", 2));
    CHECK(spoiling.daemon->pids("web") == spoiling.web);
    CHECK(spoiling.daemon->children() == 3);
    spoiling.check_other();
    CHECK(spoiling.daemon->ctl({"deploy", "web"}).exit_code == 0);
  }
}

TEST_CASE(
    "continuity: a configuration file with errors, or that is gone, is no matter to a daemon after a crash") {
  for (const bool gone : {false, true}) {
    CAPTURE(gone);
    const Spoiling spoiling;
    spoiling.restart([&] {
      if (gone) {
        fs::remove(spoiling.site.config());
      } else {
        put_content(spoiling.site.config(), "[daemon\nnonsense");
      }
    });
    INFO(spoiling.daemon->log());
    REQUIRE(spoiling.daemon->wait_healthy("web", 2));
    CHECK(spoiling.daemon->pids("web") == spoiling.web);
    spoiling.check_other();
    CHECK(spoiling.daemon->ctl({"deploy", "web"}).exit_code != 0);
    CHECK(spoiling.daemon->pids("web") == spoiling.web);
  }
}

TEST_CASE("continuity: the files that changed before a crash are not applied by it") {
  const Spoiling spoiling;
  spoiling.restart([&] {
    spoiling.site.configure(named_app("web", "@LISTEN2@", "instances = 3\n") +
                            named_app("third", "@LISTEN3@"));
  });
  REQUIRE(spoiling.daemon->wait_healthy("web", 2));
  CHECK(spoiling.daemon->pids("web") == spoiling.web);
  spoiling.check_other();
  CHECK(served_by(spoiling.site.listener()) == "web");
  CHECK(refuses(spoiling.site.listener(2)));
  CHECK_FALSE(spoiling.daemon->app("third").has_value());
}
