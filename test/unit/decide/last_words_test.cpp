#include "decide/last_words.h"

#include <doctest/doctest.h>

namespace gracevisor::decide {
namespace {

using Lines = std::vector<std::string>;

TEST_CASE("last words: each language's way to end is understood") {
  CHECK(last_words(Lines{"Traceback (most recent call last):", "  File \"/srv/app.py\", line 4, in <module>",
                         "    url = os.environ[\"DATABASE_URL\"]", "          ~~~~~~~~~~^^^^^^^^^^^^^^^^",
                         "KeyError: 'DATABASE_URL'"}) == "KeyError: 'DATABASE_URL', app.py line 4");
  CHECK(last_words(Lines{"Traceback (most recent call last):", "  File \"/srv/app.py\", line 4, in <module>",
                         "  File \"<frozen os>\", line 679, in __getitem__", "KeyError: 'URL'"}) ==
        "KeyError: 'URL', app.py line 4");
  CHECK(last_words(Lines{"  File \"/usr/lib/python3.11/runpy.py\", line 8, in run", "E: error"}) ==
        "E: error, runpy.py line 8");
  CHECK(last_words(Lines{"  File \"/srv/web.py\", line 12", "    def (", "        ^",
                         "SyntaxError: invalid syntax"}) == "SyntaxError: invalid syntax, web.py line 12");
  CHECK(last_words(Lines{"node:events:495", "      throw er; // Unhandled 'error' event", "      ^", "",
                         "Error: listen EADDRINUSE: address already in use :::3000",
                         "    at Server.setupListenHandle (node:net:1817:16)", "  code: 'EADDRINUSE',", "}",
                         "", "Node.js v18.19.0"}) ==
        "Error: listen EADDRINUSE: address already in use :::3000");
  CHECK(last_words(Lines{"starting", "panic: no database", "", "goroutine 1 [running]:", "main.main()",
                         "\t/srv/main.go:9 +0x2c", "exit status 2"}) == "panic: no database");
  CHECK(last_words(Lines{"Exception in thread \"main\" java.lang.IllegalStateException: no port",
                         "\tat Main.main(Main.java:5)"}) ==
        "Exception in thread 'main' java.lang.IllegalStateException: no port");
  CHECK(last_words(Lines{"hello", "/bin/sh: 1: gunicorn: not found"}) == "/bin/sh: 1: gunicorn: not found");
}

TEST_CASE("last words: without an error it is the last line, and nothing without any") {
  CHECK(last_words(Lines{"one", "two", ""}) == "two");
  CHECK(last_words(Lines{"an error", "bye"}) == "an error");
  CHECK(last_words(Lines{"  only indented"}) == "only indented");
  CHECK(last_words(Lines{}).empty());
  CHECK(last_words(Lines{"", " "}).empty());
}

TEST_CASE("last words: hostile lines stay one short line") {
  const std::string words = last_words(Lines{"Error: \x1b[2J\"" + std::string(70000, 'x')});
  CHECK(words.size() < 200);
  CHECK(words.find('\x1b') == std::string::npos);
  CHECK(words.find('"') == std::string::npos);
  CHECK(last_words(
            Lines{"  File \"/" + std::string(70000, 'a') + "\", line 1" + std::string(5000, '1'), "E error"})
            .size() < 400);
}

TEST_CASE("last words: ports in use come from the complaint and from the command") {
  const auto ports = [](const Lines& lines, const Lines& command) {
    std::vector<unsigned> numbers;
    for (base::Port port : ports_in_use(lines, command)) numbers.push_back(port.value());
    return numbers;
  };
  using Numbers = std::vector<unsigned>;
  CHECK(ports({"OSError: [Errno 98] Address already in use"}, {"python3", "-m", "http.server", "8000"}) ==
        Numbers{8000});
  CHECK(ports({"listen tcp :8080: bind: address already in use"}, {"./go"}) == Numbers{8080});
  CHECK(ports({"Error: listen EADDRINUSE: address already in use 0.0.0.0:3000"}, {}) == Numbers{3000});
  CHECK(ports({"listening on 8000"}, {"x", "8000"}).empty());
  CHECK(ports({"address already in use 99999999999"}, {}).empty());
}

}  // namespace
}  // namespace gracevisor::decide
