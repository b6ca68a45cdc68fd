// A gigabyte each way, and readers that do not read, cost the daemon next to no memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "real/programs.h"
#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/processes.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::uintmax_t kGigabyte = 1ULL << 30;
constexpr std::chrono::seconds kPatience{60};

void check_growth(const std::string& what, std::size_t before_kib, std::size_t most_kib,
                  std::size_t bound_kib) {
  MESSAGE(what << ": resident " << before_kib << " KiB before, at most " << most_kib << " KiB");
  if (kMemoryIsOurs) CHECK(most_kib < before_kib + bound_kib);
}

// Runs curl to its end; the most that the daemon had meanwhile. Its answer must be `answer`.
std::size_t most_during(const DaemonProcess& daemon, std::vector<std::string> arguments,
                        const std::string& answer) {
  arguments.insert(arguments.begin(), {"curl", "-sS", "--max-time", "60"});
  Command curl(arguments);
  std::size_t most = 0;
  (void)wait_until(
      [&] {
        most = std::max(most, resident_kib(daemon.pid()));
        return !curl.running();
      },
      kPatience);
  CommandResult result = curl.wait(kPatience);
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 0);
  CHECK(result.out == answer);
  MESSAGE("took " << result.took.count() << " ms");
  return most;
}

constexpr std::size_t kTransferBound = 8192;  // KiB

}  // namespace

TEST_CASE("transfers: a gigabyte down leaves the daemon's memory as it was") {
  if (!available({"curl"})) return;
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  std::string url = "http://" + site.listener().text() + "/bytes?n=";
  std::vector<std::string> rest{"-o", "/dev/null", "-w", "%{size_download}"};
  auto download = [&](std::uintmax_t size) {
    std::vector<std::string> arguments{url + std::to_string(size)};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    return most_during(daemon, arguments, std::to_string(size));
  };
  (void)download(1'000'000);
  std::size_t before = resident_kib(daemon.pid());
  check_growth("1 GiB down", before, download(kGigabyte), kTransferBound);
}

TEST_CASE("transfers: a gigabyte up, with its length and chunked, leaves the daemon's memory as it was") {
  if (!available({"curl", "node"})) return;
  Site site;
  site.configure("[app.web]\ncommand = \"node " + real_file("apps/server.js") +
                 " {port}\"\nlisten = \"@LISTEN@\"\n[app.web.proxy_options]\nmax_body = \"2GiB\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1, kPatience));
  std::string url = "http://" + site.listener().text() + "/sink";
  // Sparse: it takes no room.
  auto file = site.files().write("gigabyte", "");
  std::filesystem::resize_file(file, kGigabyte);
  std::string size = std::to_string(kGigabyte);
  (void)most_during(daemon, {"-d", "some bytes", url}, "10 bytes, length 10\n");
  std::size_t before = resident_kib(daemon.pid());
  check_growth("1 GiB up", before,
               most_during(daemon, {"-T", file, url}, size + " bytes, length " + size + "\n"),
               kTransferBound);
  check_growth("1 GiB up in chunks", before,
               most_during(daemon, {"-T", file, "-H", "Transfer-Encoding: chunked", url},
                           size + " bytes, length unknown\n"),
               kTransferBound);
}

TEST_CASE("transfers: readers that do not read cost less than a megabyte each") {
  if (!available({"curl"})) return;
  constexpr std::size_t kReaders = 10;
  constexpr std::size_t kEach = 1024;  // KiB
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(fetch(site.listener())->status == 200);
  std::size_t idle = resident_kib(daemon.pid());
  std::string target = "/bytes?n=200000000";
  // A curl that takes its time for two seconds, and sockets of which nothing is read meanwhile.
  std::vector<HttpConnection> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    auto reader = HttpConnection::connect(site.listener());
    REQUIRE(reader.has_value());
    Request request;
    request.target = target;
    REQUIRE(reader->send(to_text(request)).has_value());
    readers.push_back(std::move(*reader));
  }
  Command curl({"curl", "-sS", "--limit-rate", "2M", "--max-time", "2", "-o", "/dev/null",
                "http://" + site.listener().text() + target});
  std::size_t most = 0;
  REQUIRE(wait_until(
      [&] {
        most = std::max(most, resident_kib(daemon.pid()));
        return !curl.running();
      },
      kPatience));
  CHECK(curl.wait().exit_code == 28);  // its time was over, and the transfer was not
  for (HttpConnection& reader : readers) CHECK_FALSE(reader.closed_by_server());
  check_growth(std::to_string(kReaders + 1) + " slow readers", idle, most, (kReaders + 1) * kEach);
}
