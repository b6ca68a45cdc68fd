// freeze(): the preflight of an app.
#include "spec/spec.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "spec/program.h"
#include "support/temp_folder.h"

namespace gracevisor::spec {
namespace {

using test::TempFolder;

config::App app_of(std::vector<std::string> command, const std::filesystem::path& directory = "/") {
  config::App app;
  app.name = "web";
  app.command = std::move(command);
  app.directory = directory;
  return app;
}
std::string error_of(const config::App& app) {
  auto spec = freeze(app);
  return spec ? "" : spec.error().what;
}

// Sets a variable of the test itself and puts back what was there.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) {
    if (const char* now = std::getenv(name)) before_ = now;
    REQUIRE((value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1)) == 0);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;
  ~Setting() { (void)(before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_)); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST_CASE("freeze: the directory's symlinks are resolved once and for all") {
  TempFolder folder;
  std::filesystem::create_directory(folder.path() / "v1");
  std::filesystem::create_directory_symlink(folder.path() / "v1", folder.path() / "current");
  auto spec = freeze(app_of({"/bin/sh"}, folder.path() / "current"));
  REQUIRE(spec.has_value());
  CHECK((*spec)->directory == folder.path() / "v1");
  auto here = freeze(app_of({"/bin/sh"}, ""));
  REQUIRE(here.has_value());
  CHECK((*here)->directory == std::filesystem::canonical(std::filesystem::current_path()));
}

TEST_CASE("freeze: a directory that is none") {
  CHECK(error_of(app_of({"/bin/sh"}, "/nonexistent")) ==
        "app.web.directory: /nonexistent: No such file or directory");
  CHECK(error_of(app_of({"/bin/sh"}, "/bin/sh")) == "app.web.directory: /bin/sh: Not a directory");
}

TEST_CASE("freeze: the program is found absolute, below the directory, or in PATH") {
  TempFolder folder;
  std::filesystem::create_directory(folder.path() / "bin");
  auto server = folder.write("bin/server", "#!/bin/sh\n", 0755);
  auto program = [](const config::App& app) {
    auto spec = freeze(app);
    REQUIRE_MESSAGE(spec.has_value(), (spec ? "" : spec.error().what));
    return (*spec)->program;
  };
  CHECK(program(app_of({server})) == server);
  CHECK(program(app_of({"./bin/server"}, folder.path())) == server);
  CHECK(program(app_of({"bin/server"}, folder.path())) == server);
  CHECK(program(app_of({"{directory}/bin/server"}, folder.path())) == server);
  auto app = app_of({"server"}, folder.path());
  app.environment["PATH"] = "/nonexistent:{directory}/bin";
  CHECK(program(app) == server);
  app.environment["PATH"] = "bin:/bin";
  CHECK(program(app) == server);
  Setting path("PATH", (folder.path() / "bin").c_str());
  CHECK(program(app_of({"server"})) == server);
}

TEST_CASE("freeze: a program that cannot be executed is told with its key and cause") {
  TempFolder folder;
  auto plain = folder.write("plain", "", 0644);
  CHECK(error_of(app_of({"/nonexistent/server"})) ==
        "app.web.command: /nonexistent/server: No such file or directory");
  CHECK(error_of(app_of({"./server"}, folder.path())) ==
        "app.web.command: " + (folder.path() / "server").string() + ": No such file or directory");
  CHECK(error_of(app_of({plain}))
            .starts_with("app.web.command: " + plain.string() + " is not executable for "));
  CHECK(error_of(app_of({"/usr"})) == "app.web.command: /usr: Is a directory");
  CHECK(error_of(app_of({""})) == "app.web.command: the program's name is empty");
  CHECK(error_of(app_of({})) == "app.web.command: is missing");
  auto app = app_of({"plain"});
  app.environment["PATH"] = "/nonexistent:" + folder.path().string();
  CHECK(error_of(app) == "app.web.command: cannot find \"plain\" in PATH (" + app.environment["PATH"] +
                             "); " + plain.string() + ": Permission denied");
  app.environment["PATH"] = "/nonexistent";
  CHECK(error_of(app) == "app.web.command: cannot find \"plain\" in PATH (/nonexistent)");
}

TEST_CASE("freeze: a program that depends on the slot is found for each incarnation") {
  TempFolder folder;
  auto second = folder.write("server-2", "#!/bin/sh\n", 0755);
  auto spec = freeze(app_of({"./server-{slot}"}, folder.path()));
  REQUIRE(spec.has_value());
  CHECK((*spec)->program == "./server-{slot}");
  Placement placement{base::GenerationId(1), base::Slot(2), base::Port(20000)};
  auto found = plan(**spec, placement);
  REQUIRE(found.has_value());
  CHECK(found->program == second);
  placement.slot = base::Slot(1);
  auto missing = plan(**spec, placement);
  REQUIRE(!missing.has_value());
  CHECK(missing.error().what ==
        "app.web.command: " + (folder.path() / "server-1").string() + ": No such file or directory");
}

TEST_CASE("freeze: placeholders and bytes that cannot be are told before anything starts") {
  CHECK(error_of(app_of({"/bin/sh", "{prot}"})).starts_with("app.web.command: unknown placeholder"));
  auto app = app_of({"/bin/sh"});
  app.environment["URL"] = "{nope}";
  CHECK(error_of(app).starts_with("app.web.environment.URL: unknown placeholder"));
  app = app_of({"/bin/sh", "{port}"});
  app.endpoint = config::EndpointKind::none;
  CHECK(error_of(app) == "app.web.command: an app without endpoint has no {port}");
  app.command = {"/bin/sh", "{port} {socket}"};
  CHECK(error_of(app) == "app.web.command: an app without endpoint has no {port}");
  app.endpoint = config::EndpointKind::fd;
  CHECK(error_of(app) == "app.web.command: an app on a Unix socket has no {port}");
  app.command = {"/bin/sh", "{socket}"};
  CHECK(freeze(app).has_value());
  app.endpoint = config::EndpointKind::port;
  CHECK(error_of(app) == "app.web.command: an app on a port has no {socket}");
  CHECK(error_of(app_of({"/bin/sh", std::string("a\0b", 3)})) == "app.web.command: holds a NUL byte");
  app = app_of({"/bin/sh"});
  app.environment["A=B"] = "";
  CHECK(error_of(app).starts_with("app.web.environment: a name cannot"));
}

TEST_CASE("freeze: the environment is an allow-list, then files in order, then the table") {
  TempFolder folder;
  (void)folder.write("one.env", "A=file one\nB=file one\nC=file one\n");
  (void)folder.write("two.env", "B=file two\nC=file two\nJSON={\"literal\": \"{port}\"}\n");
  auto app = app_of({"/bin/sh"}, folder.path());
  app.environment_file = {{"one.env", false}, {folder.path() / "two.env", false}, {"none.env", true}};
  app.environment = {{"C", "table {port}"}};
  Setting path("PATH", "/opt/bin:/bin");
  Setting locale("LC_TIME", "C.UTF-8");
  Setting secret("GV_TEST_SECRET", "of the daemon");
  Setting notify("NOTIFY_SOCKET", "/run/systemd/notify");
  auto spec = freeze(app);
  REQUIRE(spec.has_value());
  const auto& environment = (*spec)->environment;
  CHECK(environment.at("A") == "file one");
  CHECK(environment.at("B") == "file two");
  CHECK(environment.at("C") == "table {port}");
  CHECK(environment.at("JSON") == "{\"literal\": \"{port}\"}");
  CHECK(environment.at("PATH") == "/opt/bin:/bin");
  CHECK(environment.at("LC_TIME") == "C.UTF-8");
  CHECK(!environment.contains("GV_TEST_SECRET"));
  CHECK(!environment.contains("NOTIFY_SOCKET"));
}

TEST_CASE("freeze: an unset or empty PATH has a default") {
  for (const char* value : {static_cast<const char*>(nullptr), ""}) {
    Setting path("PATH", value);
    auto spec = freeze(app_of({"sh"}));
    REQUIRE(spec.has_value());
    CHECK((*spec)->environment.at("PATH") == kDefaultPath);
  }
}

TEST_CASE("freeze: a service gets no TERM, and what it inherits is told apart from what was chosen") {
  TempFolder folder;
  (void)folder.write("web.env", "LC_TIME=C\n");
  Setting term("TERM", "xterm");
  Setting path("PATH", "/usr/bin:/bin");
  Setting time("LC_TIME", "de_DE.UTF-8");
  Setting zone("TZ", "UTC");
  config::App app = app_of({"/bin/sh"}, folder.path());
  app.environment_file = {{"web.env", false}};
  app.environment = {{"TZ", "UTC"}, {"COLOR", "blue"}};
  auto spec = freeze(app);
  REQUIRE(spec.has_value());
  CHECK_FALSE((*spec)->environment.contains("TERM"));
  auto inherits = [&](const char* key) { return std::ranges::count((*spec)->inherited, key) == 1; };
  CHECK(inherits("PATH"));
  for (const char* chosen : {"LC_TIME", "TZ", "COLOR"}) {
    CAPTURE(chosen);
    CHECK((*spec)->environment.contains(chosen));
    CHECK_FALSE(inherits(chosen));
  }
}

TEST_CASE("differences: a daemon that was started from another shell is none") {
  Setting zone("TZ", nullptr);
  config::App app = app_of({"/bin/sh"});
  auto here = freeze(app);
  REQUIRE(here.has_value());
  Setting path("PATH", "/opt/other:/usr/bin:/bin");
  Setting other_zone("TZ", "Asia/Tokyo");
  auto elsewhere = freeze(app);
  REQUIRE(elsewhere.has_value());
  CHECK((*elsewhere)->environment.at("PATH") == "/opt/other:/usr/bin:/bin");
  CHECK(differences(**here, **elsewhere).empty());
  CHECK(differences(**elsewhere, **here).empty());
  app.environment["TZ"] = "Asia/Tokyo";
  auto chosen = freeze(app);
  REQUIRE(chosen.has_value());
  CHECK(names_of(differences(**here, **chosen)) == "environment.TZ");
  CHECK(names_of(differences(**chosen, **here)) == "environment.TZ");
}

TEST_CASE("freeze: environment files that are missing or wrong are told with their line") {
  TempFolder folder;
  auto app = app_of({"/bin/sh"}, folder.path());
  app.environment_file = {{"web.env", false}};
  CHECK(error_of(app) == "app.web.environment_file: cannot open " + (folder.path() / "web.env").string() +
                             ": No such file or directory");
  auto file = folder.write("web.env", "A=1\nB\n");
  CHECK(error_of(app) == "app.web.environment_file: " + file.string() + ":2: not of the form KEY=VALUE");
}

TEST_CASE("freeze: the user is looked up, and an unknown one is told") {
  auto app = app_of({"/bin/sh"});
  app.user = "no-such-user";
  CHECK(error_of(app) == "app.web.user: no user \"no-such-user\"");
  app.user = std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
  auto spec = freeze(app);
  REQUIRE(spec.has_value());
  REQUIRE((*spec)->credentials.has_value());
  CHECK((*spec)->credentials->uid == ::geteuid());
  app.user.clear();
  spec = freeze(app);
  REQUIRE(spec.has_value());
  CHECK(!(*spec)->credentials.has_value());
}

}  // namespace
}  // namespace gracevisor::spec
