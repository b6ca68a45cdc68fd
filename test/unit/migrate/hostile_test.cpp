// Files that someone else has written, to do harm.
#include <doctest/doctest.h>

#include "config/foreign.h"
#include "migrate/real_files.h"
#include "migrate/web_server.h"
#include "support/temp_folder.h"
#include "unit/migrate/importing.h"

using namespace gracevisor;
using namespace gracevisor::migrate;
using namespace gracevisor::migrate::test;

TEST_CASE("import: nothing in a value ends a comment or a string") {
  const std::string evil = "x\\ny\x1b[2Jz\xc2\x9b\x7f\"\\\\\"\"\"";
  Imported pm2 = imported(
      Foreign::pm2, "/srv/e.json",
      R"({"script": "a.js", "name": "a\n[app.evil]\ncommand = 1", "watch": "b\n[app.evil]\r\u001b[2J",
                              "env": {"A\nB": "c", "D": "e\n[app.evil]\u001b\u0085"}, "args": ["\n'''\"\"\""]})");
  CHECK(pm2.config.apps.size() == 1);
  CHECK(pm2.toml.find('\x1b') == std::string::npos);
  CHECK(pm2.toml.find('\r') == std::string::npos);
  CHECK(pm2.config.apps[0].environment.at("D") == "e\n[app.evil]\x1b\xc2\x85");
  Imported unit =
      imported(Foreign::systemd, "/etc/a.service", "[Service]\nExecStart=/bin/a\nOdd=" + evil + "\n");
  CHECK(unit.toml.find('\x1b') == std::string::npos);
  CHECK(comment_text("a\nb\x1b\xc2\x9b\xc3\xa4\tc") == "a\\nb\\u001B\\u009B\xc3\xa4 c");
}

TEST_CASE("import: what is no text is refused") {
  CHECK(!check_text(std::string("a\0b", 3), "f").has_value());
  CHECK(check_text("a\n\xff", "f").error().what == "f:2: this is no UTF-8 text");
  CHECK(!check_text("\xc0\xaf", "f").has_value());
  CHECK(!check_text("\xed\xa0\x80", "f").has_value());
  CHECK(!check_text("\xf4\x90\x80\x80", "f").has_value());
  CHECK(check_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "f").has_value());
}

TEST_CASE("import: names and values cannot be made to grow without bound") {
  std::string references;
  for (int i = 0; i < 20'000; ++i) references += "%(ENV_LONG)s";
  CHECK(refusal(
            Foreign::supervisord, "/s.conf",
            "[program:a]\nenvironment=LONG=\"" + std::string(1000, 'x') + "\"\ncommand=" + references + "\n")
            .find("too long once its names are filled in") != std::string::npos);
  std::string variables;
  for (int i = 0; i < 10'000; ++i) variables += "${L}";
  CHECK(
      refusal(Foreign::systemd, "/a.service",
              "[Service]\nEnvironment=L=" + std::string(1000, 'x') + "\nExecStart=/bin/a " + variables + "\n")
          .find("too long once its variables are filled in") != std::string::npos);
  CHECK(
      refusal(Foreign::supervisord, "/s.conf",
              "[program:a]\ncommand=a %(process_num)d\nnumprocs=1000\nx=" + std::string(100'000, 'x') + "\n")
          .find("too much text") != std::string::npos);
  std::string sections;
  for (int i = 0; i < 5000; ++i) sections += "[program:" + std::to_string(i) + "]\ncommand=a\n";
  CHECK(refusal(Foreign::supervisord, "/s.conf", sections).find("more than 4096 sections") !=
        std::string::npos);
  std::string processes;
  for (int i = 0; i < 1001; ++i) processes += "p" + std::to_string(i) + ": a\n";
  CHECK(refusal(Foreign::procfile, "/Procfile", processes).find("more than 1000 apps") != std::string::npos);
}

TEST_CASE("import: names are made valid and different") {
  Imported result = imported(Foreign::pm2, "/e.json",
                             R"([{"script": "a.js", "name": "my app"}, {"script": "a.js", "name": "my:app"},
                                 {"script": "a.js", "name": "all"}, {"script": "a.js", "name": "..."},
                                 {"script": "a.js", "name": ")" +
                                 std::string(200, 'n') + "\"}]");
  CHECK(result.config.find_app("my-app") != nullptr);
  CHECK(result.config.find_app("my-app-2") != nullptr);
  CHECK(result.config.find_app("all-1") != nullptr);
  CHECK(result.config.find_app("app") != nullptr);
  CHECK(result.config.find_app(std::string(63, 'n')) != nullptr);
}

TEST_CASE("import: files are read with bounds") {
  gracevisor::test::TempFolder folder;
  folder.write("big", std::string(RealFiles::kMostBytes + 1, 'x'));
  folder.write("small", "text");
  RealFiles files;
  CHECK(!files.read(folder / "big").has_value());
  CHECK(files.read(folder / "small").value() == "text");
  CHECK(!files.read(folder / "").has_value());
  CHECK(!files.match("/*/*/*/*/x").has_value());
  CHECK(files.match((folder / "*").string())->size() == 2);
  CHECK(files.match((folder / "none*").string())->empty());
  for (std::size_t i = 0; i < RealFiles::kMostFiles; ++i) (void)files.read(folder / "small");
  CHECK(files.read(folder / "small").error().what.find("more than 256 files") != std::string::npos);
}

TEST_CASE("import: kinds are recognised by name and by content") {
  using config::foreign_kind;
  CHECK(foreign_kind("/a/ecosystem.json", "") == Foreign::pm2);
  CHECK(foreign_kind("ecosystem.config.cjs", "") == Foreign::pm2);
  CHECK(foreign_kind("a.service", "") == Foreign::systemd);
  CHECK(foreign_kind("Procfile.dev", "") == Foreign::procfile);
  CHECK(foreign_kind("x", "; c\n[program:a]\n") == Foreign::supervisord);
  CHECK(foreign_kind("x", "[Unit]\n") == Foreign::systemd);
  CHECK(foreign_kind("x", " {\n") == Foreign::pm2);
  CHECK(foreign_kind("x", "web: a\nworker: b\n") == Foreign::procfile);
  CHECK(!foreign_kind("x", "[app.web]\ncommand = \"a\"\n").has_value());
  CHECK(!foreign_kind("x", "apps:\n  - script: a.js\n").has_value());
  CHECK(!foreign_kind("x", "").has_value());
}

TEST_CASE("import: the address of a known server is found wherever it is given") {
  struct Row {
    Words command;
    std::string address;  // empty: not certain
    std::string changed;  // the word that is changed
  };
  const Row rows[] = {
      {{"gunicorn", "--bind=127.0.0.1:8000"}, "127.0.0.1:8000", "--bind=127.0.0.1:{port}"},
      {{"gunicorn", "-b", "unix:/run/a.sock"}, "unix:/run/a.sock", "unix:{socket}"},
      {{"gunicorn", "-b", ":80", "-b", ":81"}, "", ""},
      {{"gunicorn", "-b", "example.com:80"}, "", ""},
      {{"gunicorn", "a:app"}, "", ""},
      {{"/v/bin/python", "-m", "uvicorn", "a", "--port", "8000"}, "127.0.0.1:8000", "{port}"},
      {{"uvicorn", "a", "--uds", "/run/a.sock"}, "unix:/run/a.sock", "{socket}"},
      {{"bundle", "exec", "puma", "-b", "tcp://[::1]:80"}, "[::1]:80", "tcp://127.0.0.1:{port}"},
      {{"puma", "-p3000"}, "0.0.0.0:3000", "-p{port}"},
      {{"bin/rails", "s", "-p", "3000", "-b", "0.0.0.0"}, "0.0.0.0:3000", "127.0.0.1"},
      {{"python", "manage.py", "runserver", "8000"}, "*:8000", "127.0.0.1:{port}"},
      {{"php", "-S", "localhost:80"}, "127.0.0.1:80", "127.0.0.1:{port}"},
      {{"uwsgi", "--http", ":99999"}, "", ""},
      {{"celery", "-b", "127.0.0.1:80"}, "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.command);
    auto server = web_server(row.command);
    CHECK(server.has_value() == !row.address.empty());
    if (!server || row.address.empty()) continue;
    CHECK(server->address == row.address);
    CHECK(std::ranges::find(server->command, row.changed) != server->command.end());
  }
  CHECK(!web_hint({"node", "a.js", "--port=80"}).empty());
  CHECK(!web_hint({"sh", "-c", "x && uvicorn a --port 80"}).empty());
  CHECK(web_hint({"celery", "worker"}).empty());
}
