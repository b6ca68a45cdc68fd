// [app.NAME.proxy_options], the proxy's part of [listen.NAME], and proxy = "tcp".
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "config/findings.h"
#include "loading.h"

namespace gracevisor::config {

using test::app_of;
using test::config_of;
using test::errors_of;
using Strings = std::vector<std::string>;
using Header = std::pair<std::string, std::string>;

namespace {

ProxyOptions options_of(const std::string& keys) {
  return app_of("[app.web.proxy_options]\n" + keys + "\n").proxy_options;
}

// The errors of the keys, which begin at line 5.
Strings option_errors(const std::string& keys) {
  return errors_of("[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n[app.web.proxy_options]\n" +
                   keys + "\n");
}

Strings listener_errors(const std::string& keys) {
  return errors_of("[listen.public]\naddress = \"127.0.0.1:80\"\n" + keys + "\n");
}

Strings one(const std::string& error) {
  return {"/etc/gv.toml:" + error};
}

// What is too little, what is too much, and what the error calls the bounds.
struct Range {
  std::string key;
  std::string below;  // empty: nothing is
  std::string above;
  std::string found_below;
  std::string found_above;
  std::string allowed;
};

void check_ranges(const std::vector<Range>& ranges, const std::string& line, const std::string& path,
                  Strings (&errors_of_keys)(const std::string&)) {
  for (const Range& range : ranges) {
    CAPTURE(range.key);
    std::string at = line + ":" + std::to_string(range.key.size() + 4) + ": " + path + "." + range.key + ": ";
    std::string out = " is out of range (allowed: " + range.allowed + ")";
    CHECK(errors_of_keys(range.key + " = " + range.above) == one(at + range.found_above + out));
    if (range.below.empty()) continue;
    CHECK(errors_of_keys(range.key + " = " + range.below) == one(at + range.found_below + out));
  }
}

Range size_range(const std::string& key, const std::string& below, const std::string& above,
                 const std::string& found_above, const std::string& allowed) {
  return {key, below.empty() ? "" : "\"" + below + "\"", "\"" + above + "\"", below, found_above, allowed};
}

Range duration_range(const std::string& key) {
  return {key, R"("9ms")", R"("25h")", "9ms", "25h", "10ms to 1d"};
}

}  // namespace

TEST_CASE("proxy options: every key is read") {
  ProxyOptions options = options_of(R"(balance = "round-robin"
request_timeout = "7s"
reuse = "never"
keep_alive = "10ms"
keep_alive_requests = 100
connect_timeout = "1d"
body_timeout = "8s"
min_body_rate = 0
request_buffer = "16MiB"
request_buffer_memory = "16GiB"
send_timeout = "9s"
min_send_rate = "1GiB"
tunnel_timeout = "2h"
half_close_timeout = "11s"
max_body = "1TiB"
max_chunk_extensions = "0"
max_trailers = "1MiB"
max_response_head = "256B"
max_interim_responses = 0
hold_requests = 0
hold_memory = "16GiB"
retry_503 = true
on_client_abort = "finish"
half_close = "serve"
strip_path = true
via = false
underscore_headers = "reject"
trailers = ["Server-Timing", "X-Checksum"]
[app.web.proxy_options.request_headers]
set = { X-Forwarded-Proto = "https", X-Empty = "" }
remove = "Cookie"
[app.web.proxy_options.response_headers]
set = { Strict-Transport-Security = "max-age=1" }
remove = ["Server", "Set-Cookie"])");
  CHECK(options.balance == ProxyOptions::Balance::round_robin);
  CHECK(options.request_timeout == Millis(7000));
  CHECK(options.reuse == ProxyOptions::Reuse::never);
  CHECK(options.keep_alive == Millis(10));
  CHECK(options.keep_alive_requests == 100);
  CHECK(options.connect_timeout == Millis(86'400'000));
  CHECK(options.body_timeout == Millis(8000));
  CHECK(options.min_body_rate == 0);
  CHECK(options.request_buffer == 16U << 20);
  CHECK(options.request_buffer_memory == 16ULL << 30);
  CHECK(options.send_timeout == Millis(9000));
  CHECK(options.min_send_rate == 1U << 30);
  CHECK(options.tunnel_timeout == Millis(7'200'000));
  CHECK(options.half_close_timeout == Millis(11000));
  CHECK(options.max_body == 1ULL << 40);
  CHECK(options.max_chunk_extensions == 0);
  CHECK(options.max_trailers == 1U << 20);
  CHECK(options.max_response_head == 256);
  CHECK(options.max_interim_responses == 0);
  CHECK(options.hold_requests == 0);
  CHECK(options.hold_memory == 16ULL << 30);
  CHECK(options.retry_503);
  CHECK(options.on_client_abort == ProxyOptions::ClientAbort::finish);
  CHECK(options.half_close == ProxyOptions::HalfClose::serve);
  CHECK(options.strip_path);
  CHECK_FALSE(options.via);
  CHECK(options.underscore_headers == ProxyOptions::Underscores::reject);
  CHECK(options.trailers == Strings{"server-timing", "x-checksum"});
  CHECK(options.request_headers.set == std::vector<Header>{{"X-Forwarded-Proto", "https"}, {"X-Empty", ""}});
  CHECK(options.request_headers.remove == Strings{"Cookie"});
  CHECK(options.response_headers.set == std::vector<Header>{{"Strict-Transport-Security", "max-age=1"}});
  CHECK(options.response_headers.remove == Strings{"Server", "Set-Cookie"});
}

TEST_CASE("proxy options: the words that stand for themselves") {
  CHECK(options_of(R"(underscore_headers = "pass")").underscore_headers == ProxyOptions::Underscores::pass);
  CHECK(options_of(R"(underscore_headers = "drop")").underscore_headers == ProxyOptions::Underscores::drop);
  CHECK(options_of(R"(on_client_abort = "close")").on_client_abort == ProxyOptions::ClientAbort::close);
  CHECK(option_errors(R"(underscore_headers = "keep")") ==
        one(R"(5:22: app.web.proxy_options.underscore_headers: unknown value "keep"; expected one of )"
            R"("drop", "pass", "reject")"));
  CHECK(option_errors(R"(on_client_abort = "finished")") ==
        one(R"(5:19: app.web.proxy_options.on_client_abort: unknown value "finished" (did you mean )"
            R"("finish"?); expected one of "close", "finish")"));
  CHECK(options_of(R"(half_close = "abort")").half_close == ProxyOptions::HalfClose::abort);
  CHECK(options_of(R"(request_buffer = "0")").request_buffer == 0);
  CHECK(
      option_errors(R"(half_close = "finish")") ==
      one(R"(5:14: app.web.proxy_options.half_close: unknown value "finish"; expected one of "abort", "serve")"));
  CHECK(option_errors("retry_503 = 1") ==
        one("5:13: app.web.proxy_options.retry_503: expected true or false, found integer"));
  CHECK(option_errors(R"(strip_path = "yes")") ==
        one("5:14: app.web.proxy_options.strip_path: expected true or false, found string"));
}

TEST_CASE("proxy options: a value out of range says the range") {
  check_ranges({duration_range("request_timeout"),
                duration_range("keep_alive"),
                duration_range("connect_timeout"),
                duration_range("body_timeout"),
                duration_range("send_timeout"),
                duration_range("tunnel_timeout"),
                duration_range("half_close_timeout"),
                {"keep_alive_requests", "-1", "1000000001", "-1", "1000000001", "0 to 1000000000"},
                {"max_interim_responses", "-1", "1001", "-1", "1001", "0 to 1000"},
                {"hold_requests", "-1", "1000001", "-1", "1000001", "0 to 1000000"},
                size_range("min_body_rate", "", "2GiB", "2GiB", "0 to 1GiB"),
                size_range("min_send_rate", "", "2GiB", "2GiB", "0 to 1GiB"),
                size_range("request_buffer", "", "17MiB", "17MiB", "0 to 16MiB"),
                size_range("request_buffer_memory", "", "17GiB", "17GiB", "0 to 16GiB"),
                size_range("max_body", "0", "2TiB", "2TiB", "1B to 1TiB"),
                size_range("max_chunk_extensions", "", "2MiB", "2MiB", "0 to 1MiB"),
                size_range("max_trailers", "", "2MiB", "2MiB", "0 to 1MiB"),
                size_range("max_response_head", "255B", "2MiB", "2MiB", "256B to 1MiB"),
                size_range("hold_memory", "", "17GiB", "17GiB", "0 to 16GiB")},
               "5", "app.web.proxy_options", option_errors);
}

TEST_CASE("proxy options: balance by hash names what it goes by") {
  ProxyOptions by_header = options_of(R"(balance = "hash:header:X-Tenant")");
  CHECK(by_header.balance == ProxyOptions::Balance::hash_header);
  CHECK(by_header.balance_key == "X-Tenant");
  ProxyOptions by_cookie = options_of(R"(balance = "hash:cookie:sid")");
  CHECK(by_cookie.balance == ProxyOptions::Balance::hash_cookie);
  CHECK(by_cookie.balance_key == "sid");
  ProxyOptions by_client = options_of(R"(balance = "hash:client")");
  CHECK(by_client.balance == ProxyOptions::Balance::hash_client);
  CHECK(by_client.balance_key.empty());

  const std::string at = "5:11: app.web.proxy_options.balance: ";
  CHECK(option_errors(R"(balance = "hash:header:")") ==
        one(at + R"(expected the name of a header after "hash:header:")"));
  CHECK(option_errors(R"(balance = "hash:header:a b")") ==
        one(at + R"(expected the name of a header after "hash:header:")"));
  CHECK(option_errors(R"(balance = "hash:cookie:")") ==
        one(at + R"(expected the name of a cookie after "hash:cookie:")"));
  CHECK(option_errors(R"(balance = "hash:cookie:a=b")") ==
        one(at + R"(expected the name of a cookie after "hash:cookie:")"));
  for (const char* wrong : {"hash:client:x", "hash", "hash:", "hash:header", "p2c:", "hash:query:x"}) {
    CAPTURE(wrong);
    auto errors = option_errors("balance = \"" + std::string(wrong) + "\"");
    REQUIRE(errors.size() == 1);
    CHECK(errors.front().starts_with("/etc/gv.toml:" + at + "unknown value"));
  }
}

TEST_CASE("proxy options: a header rule has a header's name and one line") {
  const std::string table = "app.web.proxy_options.request_headers.";
  auto set = [](const std::string& entry) {
    return option_errors("request_headers.set = { " + entry + " }");
  };
  CHECK(set(R"("a b" = "x")") == one("5:25: " + table + R"(set."a b": not a header's name)"));
  CHECK(set(R"("" = "x")") == one("5:25: " + table + R"(set."": not a header's name)"));
  CHECK(set(R"("X:" = "x")") == one("5:25: " + table + R"(set."X:": not a header's name)"));
  CHECK(set(R"(X = "a\r\nEvil: 1")") ==
        one("5:29: " + table + "set.X: a header's value is one line without control characters"));
  CHECK(set(R"(X = "a\u007f")").size() == 1);
  CHECK(set("X = \"a\tb \xc3\xa4\"").empty());
  CHECK(set(R"(X-A = "1", x-a = "2")") ==
        one("5:36: " + table + "set.x-a: the same header twice, as names have no case"));
  CHECK(set("X = 5") == one("5:29: " + table + "set.X: expected a string, found integer"));
  CHECK(option_errors("request_headers.set = []") ==
        one("5:23: " + table + R"(set: expected a table such as { X-Frame-Options = "DENY" }, found array)"));
  CHECK(option_errors(R"(request_headers.remove = ["X-Ok", "x y"])") ==
        one("5:35: " + table + "remove[1]: not a header's name"));
  CHECK(option_errors("request_headers.remove = 1") ==
        one("5:26: " + table + "remove: expected a header's name or a list of names, found integer"));
  CHECK(option_errors("request_headers.add = {}") ==
        one("5:17: " + table + "add: unknown key (known here: set, remove)"));
}

TEST_CASE("proxy options: what the proxy writes itself has no rule, in any case") {
  for (const char* name : {"Connection", "content-length", "HOST", "Keep-Alive", "TE", "Trailer",
                           "Transfer-Encoding", "Upgrade", "X-Gv-Error"}) {
    for (const char* table : {"request_headers", "response_headers"}) {
      CAPTURE(name);
      std::string path = "app.web.proxy_options." + std::string(table);
      std::string keys = std::string(table) + ".";
      const std::string reserved = ": the proxy writes this header itself";
      CHECK(option_errors(keys + "set = { " + name + " = \"x\" }") ==
            one("5:" + std::to_string(keys.size() + 9) + ": " + path + ".set." + name + reserved));
      CHECK(option_errors(keys + "remove = \"" + name + "\"") ==
            one("5:" + std::to_string(keys.size() + 10) + ": " + path + ".remove" + reserved));
    }
  }
}

TEST_CASE("proxy options: a trailer that a head decides may not pass") {
  const std::string at = "app.web.proxy_options.trailers";
  for (const char* name : {"Authorization", "Cache-Control", "Content-Encoding", "content-range",
                           "Content-Type", "Cookie", "Set-Cookie", "Expect", "Max-Forwards", "X-Gv-a"}) {
    CAPTURE(name);
    CHECK(option_errors(R"(trailers = ["X-Ok", ")" + std::string(name) + "\"]") ==
          one("5:21: " + at + "[1]: this header cannot be a trailer"));
  }
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Trailer", "TE", "Connection"}) {
    CAPTURE(name);
    CHECK(option_errors(R"(trailers = ")" + std::string(name) + "\"") ==
          one("5:12: " + at + ": the proxy writes this header itself"));
  }
  CHECK(option_errors(R"(trailers = "a b")") == one("5:12: " + at + ": not a header's name"));
  CHECK(option_errors("trailers = 1") ==
        one("5:12: " + at + ": expected a trailer field's name or a list of names, found integer"));
}

TEST_CASE("error pages: files are read when the configuration is") {
  test::Folder folder;
  std::string sorry = folder.write("sorry.html", "<p>Sorry</p>");
  std::string most = folder.write("most.html", std::string(65536, 'x'));
  std::string empty = folder.write("empty.html", "");
  auto options = options_of("error_pages = { 5xx = \"" + sorry + "\", 404 = \"" + most +
                            "\", \"400-403\" = \"" + empty + "\" }");
  REQUIRE(options.error_pages.size() == 3);
  CHECK(options.error_pages[0] == ErrorPage{{500, 599}, sorry, "<p>Sorry</p>"});
  CHECK(options.error_pages[1].statuses == StatusRange{404, 404});
  CHECK(options.error_pages[1].html.size() == 65536);
  CHECK(options.error_pages[2] == ErrorPage{{400, 403}, empty, ""});
}

TEST_CASE("error pages: a path is taken from the folder of its file") {
  test::Folder folder;
  folder.write("pages/sorry.html", "sorry");
  auto loaded = load_text(
      "[app.web]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\n"
      "proxy_options.error_pages = { 502 = \"pages/sorry.html\" }\n",
      folder.path("gv.toml"), test::ordinary());
  REQUIRE(loaded);
  REQUIRE(loaded->config.apps.front().proxy_options.error_pages.size() == 1);
  CHECK(loaded->config.apps.front().proxy_options.error_pages[0].html == "sorry");
  CHECK(loaded->config.apps.front().proxy_options.error_pages[0].file == folder.path("pages/sorry.html"));
}

TEST_CASE("error pages: what cannot be a page says why") {
  test::Folder folder;
  const std::string at = "app.web.proxy_options.error_pages";
  auto pages = [](const std::string& entry) { return option_errors("error_pages = { " + entry + " }"); };
  std::string page = folder.write("sorry.html", "sorry");
  std::string missing = folder.path("missing.html");
  CHECK(pages("502 = \"" + missing + "\"") ==
        one("5:23: " + at + ".502: cannot open " + missing + ": No such file or directory"));
  std::string large = folder.write("large.html", std::string(65537, 'x'));
  CHECK(pages("502 = \"" + large + "\"") ==
        one("5:23: " + at + ".502: " + large + " is longer than 65536 bytes"));
  CHECK(pages("502 = \"" + folder.path("") + "\"").size() == 1);
  CHECK(pages("502 = 5") == one("5:23: " + at + ".502: expected an HTML file's path, found integer"));
  CHECK(pages(R"(502 = "")") == one("5:23: " + at + R"(.502: expected an HTML file's path, found "")"));
  for (const char* key : {"200", "399", "3xx", "2xx", "300-599", "5x", "xx", "6xx", "500-", "502,503",
                          "502-500", "600", "5xxx", "5XX", "x5x", "-5xx", ""}) {
    CAPTURE(key);
    CHECK(pages("\"" + std::string(key) + "\" = \"" + page + "\"") ==
          one("5:17: " + at + "." + key_text(key) +
              R"(: expected a status or statuses from 400 on such as "502" or "5xx", found )" + quote(key)));
  }
}

TEST_CASE("listeners: every key that bounds a client is read") {
  Listener listener = config_of(R"([listen.public]
address = "127.0.0.1:80"
proxy_protocol = true
head_timeout = "10ms"
idle_timeout = "1d"
max_target = "64B"
max_head = "256B"
max_field = "1MiB"
max_fields = 1000
targets = "strict"
read_ahead = "1KiB"
max_connections_per_client = 3
)")
                          .listeners.front();
  CHECK(listener.proxy_protocol);
  CHECK(listener.head_timeout == Millis(10));
  CHECK(listener.idle_timeout == Millis(86'400'000));
  CHECK(listener.max_target == 64);
  CHECK(listener.max_head == 256);
  CHECK(listener.max_field == 1U << 20);
  CHECK(listener.max_fields == 1000);
  CHECK(listener.targets == Listener::Targets::strict);
  CHECK(listener.read_ahead == 1024);
  CHECK(listener.max_connections_per_client == 3);
}

TEST_CASE("listeners: a bound out of range says the range") {
  check_ranges({duration_range("head_timeout"), duration_range("idle_timeout"),
                size_range("max_target", "63B", "2MiB", "2MiB", "64B to 1MiB"),
                size_range("max_head", "255B", "2MiB", "2MiB", "256B to 1MiB"),
                size_range("max_field", "63B", "2MiB", "2MiB", "64B to 1MiB"),
                size_range("read_ahead", "1023B", "2MiB", "2MiB", "1KiB to 1MiB"),
                Range{"max_fields", "0", "1001", "0", "1001", "1 to 1000"},
                Range{"max_connections_per_client", "-1", "1000001", "-1", "1000001", "0 to 1000000"}},
               "3", "listen.public", listener_errors);
  CHECK(listener_errors(R"(proxy_protocol = "v2")") ==
        one("3:18: listen.public.proxy_protocol: expected true or false, found string"));
}

TEST_CASE("listeners: targets are as-sent or strict") {
  CHECK(listener_errors(R"(targets = "as-sent")").empty());
  CHECK(listener_errors(R"(targets = "strickt")").size() == 1);
  CHECK(Listener().targets == Listener::Targets::as_sent);
}

TEST_CASE("deploy: upgraded is close, wait or now") {
  auto upgraded = [](const std::string& word) {
    return app_of("deploy.upgraded = \"" + word + "\"\n").deploy.upgraded;
  };
  CHECK(app_of("").deploy.upgraded == Deploy::Upgraded::close);
  CHECK(upgraded("close") == Deploy::Upgraded::close);
  CHECK(upgraded("wait") == Deploy::Upgraded::wait);
  CHECK(upgraded("now") == Deploy::Upgraded::now);
  CHECK(
      errors_of("[app.web]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\ndeploy.upgraded = \"later\"\n") ==
      one(R"(4:19: app.web.deploy.upgraded: unknown value "later"; expected one of "close", "wait", "now")"));
}

}  // namespace gracevisor::config
