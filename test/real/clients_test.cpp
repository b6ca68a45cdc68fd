// Clients that people use, each with what it does its own way. The load makers run for a second or two.
#include <doctest/doctest.h>

#include <algorithm>

#include "real/programs.h"
#include "support/daemon_process.h"
#include "support/http_client.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kBoot{30};
constexpr const char* kDemo = "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n";

std::string node_app() {
  return "[app.web]\ncommand = \"node " + real_file("apps/server.js") + " {port}\"\nlisten = \"@LISTEN@\"\n";
}

std::string nginx_app() {
  return "[app.web]\ncommand = \"" + real_file("apps/nginx.sh") +
         " @DIR@ 127.0.0.1:{port}\"\nlisten = \"@LISTEN@\"\n";
}

// A site whose app is up. `url` is without the path.
struct Served {
  explicit Served(const std::string& config) : site(), daemon(configured(config)) {
    REQUIRE_MESSAGE(daemon.wait_healthy("web", 1, kBoot), daemon.log());
  }
  Site site;
  DaemonProcess daemon;
  std::string url = "http://" + site.listener().text();

 private:
  const Site& configured(const std::string& config) {
    site.configure(config);
    return site;
  }
};

// curl, silent but for errors, with these arguments.
CommandResult curl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"curl", "-sS", "--max-time", "30"});
  return run_command(arguments, std::chrono::seconds(40));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string size_text(std::size_t size) {
  return std::to_string(size);
}

}  // namespace

TEST_CASE("curl: GET, HEAD and a missing page") {
  if (!available({"curl"})) return;
  Served served(kDemo);
  CommandResult get = curl({served.url + "/bytes?n=1234", "-w", "|%{http_code} %{http_version}"});
  INFO(describe(get));
  CHECK(get.exit_code == 0);
  CHECK(get.out.ends_with("|200 1.1"));
  CHECK(get.out.size() == 1234 + std::string("|200 1.1").size());
  CommandResult head = curl({"-I", served.url + "/bytes?n=1234"});
  CHECK(head.out.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(contains(head.out, "Content-Length: 1234\r\n"));
  CHECK(curl({"-f", served.url + "/no-such-page"}).exit_code == 22);
}

TEST_CASE("curl: HTTP/1.0 gets whole answers, of a stream too") {
  if (!available({"curl"})) return;
  Served served(kDemo);
  CommandResult get =
      curl({"--http1.0", served.url + "/bytes?n=100000", "-o", "/dev/null", "-w", "%{size_download}"});
  CHECK(get.exit_code == 0);
  CHECK(get.out == "100000");
  CommandResult stream = curl({"--http1.0", "-i", served.url + "/stream?n=3&ms=1"});
  INFO(describe(stream));
  CHECK(stream.exit_code == 0);
  CHECK(stream.out.ends_with("\r\n\r\nline 1\nline 2\nline 3\n"));
  CHECK_FALSE(contains(stream.out, "hunked"));
}

TEST_CASE("curl: a large POST waits for 100 Continue, and gets it from the app") {
  if (!available({"curl", "node"})) return;
  Served served(node_app());
  auto body = served.site.files().write("body", std::string(3'000'000, 'b'));
  CommandResult post = curl({"-v", "--expect100-timeout", "25", "-H", "Expect: 100-continue", "--data-binary",
                             "@" + body.string(), served.url + "/sink"});
  INFO(describe(post));
  CHECK(post.exit_code == 0);
  CHECK(contains(post.err, "< HTTP/1.1 100 Continue"));
  CHECK(post.out == "3000000 bytes, length 3000000\n");
  CHECK(post.took < std::chrono::seconds(20));
}

TEST_CASE("curl: an upload from standard input is chunked, one from a file has its length") {
  if (!available({"curl", "node"})) return;
  Served served(node_app());
  auto file = served.site.files().write("upload", std::string(2'000'000, 'u'));
  CommandResult piped = run_command(
      {"sh", "-c", "cat \"$1\" | curl -sS --max-time 30 -T - \"$2\"", "sh", file, served.url + "/sink"});
  INFO(describe(piped));
  CHECK(piped.out == "2000000 bytes, length unknown\n");
  CommandResult direct = curl({"-T", file, served.url + "/sink"});
  INFO(describe(direct));
  CHECK(direct.out == "2000000 bytes, length 2000000\n");
  // The bytes themselves, as the app got them.
  CommandResult echoed = run_command({"sh", "-c", "cat \"$1\" | curl -sS -T - -X POST \"$2\" | cmp - \"$1\"",
                                      "sh", file, served.url + "/echo"});
  INFO(describe(echoed));
  CHECK(echoed.exit_code == 0);
}

TEST_CASE("curl: a download at a limited rate arrives whole") {
  if (!available({"curl"})) return;
  Served served(kDemo);
  CommandResult result = curl(
      {"--limit-rate", "4M", served.url + "/bytes?n=6000000", "-o", "/dev/null", "-w", "%{size_download}"});
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(result.out == size_text(6'000'000));
}

TEST_CASE("curl: two URLs use one connection") {
  if (!available({"curl"})) return;
  Served served(kDemo);
  CommandResult result = curl({served.url + "/pid", served.url + "/pid", "-w", "%{num_connects}\n"});
  INFO(describe(result));
  auto pid = size_text(static_cast<std::size_t>(served.daemon.pids("web").at(0)));
  CHECK(result.out == pid + "\n1\n" + pid + "\n0\n");
}

TEST_CASE("curl: a range of a file, and a compressed file, come from nginx as asked") {
  if (!available({"curl", "nginx"})) return;
  Served served(nginx_app());
  std::string page = served.url + "/files/page.txt";
  CommandResult range = curl({"-r", "100-199", page, "-w", "|%{http_code}"});
  INFO(describe(range));
  CHECK(range.out == std::string(100, 'x') + "|206");
  CommandResult beyond = curl({"-r", "200000-", page, "-o", "/dev/null", "-w", "%{http_code}"});
  CHECK(beyond.out == "416");
  CommandResult gzip = curl({"--compressed", "-D", served.site.directory() / "head", page});
  INFO(describe(gzip));
  CHECK(gzip.out == std::string(100'000, 'x'));
  std::string head = content_of(served.site.directory() / "head");
  CHECK(contains(head, "Content-Encoding: gzip\r\n"));
  CHECK(contains(head, "Transfer-Encoding: chunked\r\n"));
}

TEST_CASE("curl: --haproxy-protocol tells the app who the client is, and without it nobody is served") {
  if (!available({"curl"})) return;
  Served served(
      "[listen.public]\naddress = [\"@LISTEN@\"]\nproxy_protocol = true\n"
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"public\"\n");
  CommandResult told = curl({"--haproxy-protocol", "--interface", "127.0.0.9", served.url + "/headers"});
  INFO(describe(told));
  CHECK(told.exit_code == 0);
  CHECK(contains(told.out, "X-Forwarded-For: 127.0.0.9\r\n"));
  CHECK(curl({served.url + "/headers"}).exit_code != 0);
  // As a balancer in front would say of a client elsewhere.
  auto balancer = HttpConnection::connect(served.site.listener());
  REQUIRE(balancer.has_value());
  REQUIRE(balancer->send("PROXY TCP4 203.0.113.7 203.0.113.1 40000 80\r\n").has_value());
  auto answer = balancer->get("/headers");
  REQUIRE(answer.has_value());
  CHECK(contains(answer->body, "X-Forwarded-For: 203.0.113.7\r\n"));
}

TEST_CASE("wrk: pipelined requests are all answered") {
  if (!available({"wrk"})) return;
  Served served(kDemo);
  auto script = served.site.files().write(
      "pipeline.lua",
      "init = function(args)\n"
      "  local all = {}\n"
      "  for i = 1, 8 do all[i] = wrk.format(\"GET\", \"/bytes?n=\" .. i * 100) end\n"
      "  requests = table.concat(all)\n"
      "end\n"
      "request = function() return requests end\n");
  CommandResult result = run_command({"wrk", "-t1", "-c8", "-d2s", "-s", script, served.url});
  MESSAGE(result.out);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(contains(result.out, "requests in"));
  CHECK_FALSE(contains(result.out, "Socket errors"));
  CHECK_FALSE(contains(result.out, "Non-2xx"));
}

TEST_CASE("h2load: HTTP/1.1 with several clients, no request fails") {
  if (!available({"h2load"})) return;
  Served served(kDemo);
  CommandResult result =
      run_command({"h2load", "--h1", "-t1", "-c8", "-m4", "-n4000", served.url + "/bytes?n=1000"});
  MESSAGE(result.out);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(contains(result.out, "4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout"));
}

TEST_CASE("ab: HTTP/1.0 with and without keep-alive, no request fails") {
  if (!available({"ab"})) return;
  Served served(kDemo);
  for (bool keep_alive : {true, false}) {
    CAPTURE(keep_alive);
    std::vector<std::string> line{"ab", "-q", "-n2000", "-c8", served.url + "/bytes?n=1000"};
    if (keep_alive) line.insert(line.begin() + 1, "-k");
    CommandResult result = run_command(line);
    MESSAGE(result.out);
    INFO(describe(result));
    CHECK(result.exit_code == 0);
    CHECK(contains(result.out, "Complete requests:      2000\n"));
    CHECK(contains(result.out, "Failed requests:        0\n"));
    CHECK_FALSE(contains(result.out, "Non-2xx"));
    CHECK(contains(result.out, "Keep-Alive requests:    2000\n") == keep_alive);
  }
}
