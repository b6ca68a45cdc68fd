// Where access logs may go.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "loading.h"

namespace gracevisor::config {

namespace {

std::vector<std::string> errors_with(const std::string& value) {
  return test::errors_of(
      "[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\nlog.access = " + value + "\n");
}

}  // namespace

TEST_CASE("access log: there is none until a path is given, and lines are JSON") {
  App app = test::app_of("");
  CHECK(app.log.access.empty());
  CHECK(app.log.access_format == AccessFormat::json);
  App given = test::app_of("[app.web.log]\naccess = \"/l/./x.log\"\naccess_format = \"combined\"\n");
  CHECK(given.log.access == "/l/x.log");
  CHECK(given.log.access_format == AccessFormat::combined);
  CHECK(test::app_of("log.access = \"\"\n").log.access.empty());
  CHECK(test::app_of("log.access = \"inherit\"\n").log.access == "inherit");
}

TEST_CASE("access log: a listener has one too") {
  Config config = test::config_of(
      "[listen.public]\naddress = \"127.0.0.1:80\"\naccess_log = \"/l/a.log\"\naccess_format = \"combined\"\n"
      "[listen.other]\naddress = \"127.0.0.1:81\"\n"
      "[app.web]\ncommand = \"server\"\nlisten = [\"public\", \"other\"]\n");
  CHECK(config.find_listener("public")->access_log == "/l/a.log");
  CHECK(config.find_listener("public")->access_format == AccessFormat::combined);
  CHECK(config.find_listener("other")->access_log.empty());
  CHECK(config.find_listener("other")->access_format == AccessFormat::json);
}

TEST_CASE("access log: what is no absolute path of a file is refused with its place") {
  const std::string at = "/etc/gv.toml:4:14: app.web.log.access: ";
  const std::string expected = R"(expected a file's absolute path, or "inherit", found )";
  CHECK(errors_with(R"("web.log")") == std::vector{at + expected + R"("web.log")"});
  CHECK(errors_with(R"("./web.log")") == std::vector{at + expected + R"("./web.log")"});
  CHECK(errors_with(R"("/var/log/")") == std::vector{at + expected + R"("/var/log/")"});
  CHECK(errors_with(R"("inhert")") == std::vector{at + expected + R"("inhert" (did you mean "inherit"?))"});
  CHECK(errors_with(R"("syslog")") == std::vector{at + R"("syslog": not supported by this version)"});
  CHECK(errors_with(R"("~/web.log")") ==
        std::vector{at + R"("~" is not expanded, as there is no shell: write the whole path)"});
  REQUIRE(errors_with("true").size() == 1);
  CHECK(errors_with("true").front().starts_with(at));
}

TEST_CASE("access log: several may share a file if they write it in the same way") {
  const std::string shared =
      "[listen.public]\naddress = \"127.0.0.1:80\"\naccess_log = \"/l/a.log\"\n"
      "[app.a]\ncommand = \"a\"\nlisten = \"public\"\nroute = \"a.de\"\nlog.access = \"/l/a.log\"\n"
      "[app.b]\ncommand = \"b\"\nlisten = \"public\"\nlog.access = \"/l/a.log\"\n";
  CHECK(test::errors_of(shared).empty());
  const std::string hint =
      " already at /etc/gv.toml:8:14, with another access_format, max_size, keep or the like";
  for (const char* way : {"access_format = \"combined\"", "max_size = \"1MiB\"", "keep = 1"}) {
    CAPTURE(way);
    CHECK(test::errors_of(shared + "log." + way + "\n") ==
          std::vector{R"(/etc/gv.toml:12:14: app.b.log.access: "/l/a.log" is written by app.a.log.access)" +
                      hint});
  }
}

TEST_CASE("access log: a listener's old files are kept as its keys say, and a sharer says the same") {
  const std::string own =
      "[listen.public]\naddress = \"127.0.0.1:80\"\naccess_log = \"/l/a.log\"\naccess_max_size = \"1MiB\"\n"
      "access_keep = 0\naccess_max_age = \"3d\"\naccess_total_size = \"4MiB\"\naccess_compress = true\n"
      "[app.web]\ncommand = \"server\"\nlisten = \"public\"\n";
  const Config config = test::config_of(own);
  const Listener& listener = *config.find_listener("public");
  CHECK(listener.access_max_size == 1UL << 20);
  CHECK(listener.access_keep == 0);
  CHECK(listener.access_max_age == std::chrono::hours(72));
  CHECK(listener.access_total_size == 4UL << 20);
  CHECK(listener.access_compress);
  const std::string shared = own +
                             "[app.web.log]\naccess = \"/l/a.log\"\nmax_size = \"1MiB\"\nkeep = 0\n"
                             "max_age = \"3d\"\ntotal_size = \"4MiB\"\n";
  CHECK(test::errors_of(shared + "compress = true\n").empty());
  CHECK(test::errors_of(shared) ==
        std::vector<std::string>{R"(/etc/gv.toml:3:14: listen.public.access_log: "/l/a.log" is written by )"
                                 "app.web.log.access already at /etc/gv.toml:13:10, with another "
                                 "access_format, max_size, keep or the like"});
}

TEST_CASE("access log: a file that another log rotates is refused") {
  CHECK(test::errors_of("[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n"
                        "log = { stdout = \"/l/w.log\", access = \"/l/w.log\" }\n") ==
        std::vector<std::string>{R"(/etc/gv.toml:4:39: app.web.log.access: "/l/w.log" is written by )"
                                 "app.web.log.stdout already at /etc/gv.toml:4:18"});
  CHECK(test::errors_of("[daemon]\nlog = { file = \"/l/gv.log\" }\n[listen.public]\n"
                        "address = \"127.0.0.1:80\"\naccess_log = \"/l/gv.log\"\n"
                        "[app.web]\ncommand = \"server\"\nlisten = \"public\"\n") ==
        std::vector<std::string>{R"(/etc/gv.toml:5:14: listen.public.access_log: "/l/gv.log" is written by )"
                                 "daemon.log.file already"});
}

}  // namespace gracevisor::config
