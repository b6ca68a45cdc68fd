// State records on file systems that are full or read-only.
#include <doctest/doctest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "support/daemon_process.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::seconds;

namespace {

// A small file system as the state folder of a site; unmounted at the end.
class SmallDisk {
 public:
  explicit SmallDisk(const Site& site) : path_(site.directory() / "state") {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("none", path_.c_str(), "tmpfs", 0, "size=4m,mode=0750") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) (void)::umount2(path_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }
  [[nodiscard]] bool make_read_only() const {
    return ::mount("none", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  std::filesystem::path path_;
  bool mounted_ = false;
};

const std::string kWeb =
    "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"0s\"\n";

}  // namespace

TEST_CASE("records: a file system that is full of logs takes deploys") {
  Site site;
  SmallDisk disk(site);
  if (!disk.mounted()) return skip("no file system can be mounted here");
  site.configure(kWeb + "[app.flood]\ncommand = [\"yes\", \"" + std::string(90, 'x') +
                 "\"]\nendpoint = \"none\"\nlog.max_size = \"1GiB\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto log = site.directory() / "state/log/flood.log";
  // What is left is less than a page.
  CHECK(wait_until([&] { return std::filesystem::space(log.parent_path()).available == 0; }, seconds(30)));
  auto size = std::filesystem::file_size(log);
  for (int i = 0; i < 5; ++i) {
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
  }
  CHECK(content_of(site.directory() / "state/apps/web.json").find("\"live\": 6") != std::string::npos);
  // Nothing was cut or removed to make room, and room makes the log go on, with what is missing told.
  CHECK(std::filesystem::file_size(log) >= size);
  std::filesystem::resize_file(log, 0);
  CHECK(wait_until([&] { return content_of(log).find("[gracevisor: ") != std::string::npos; }, seconds(20)));
}

TEST_CASE("records: a state folder that is read-only at the start is served from and refuses deploys") {
  Site site;
  SmallDisk disk(site);
  if (!disk.mounted()) return skip("no file system can be mounted here");
  site.configure(kWeb);
  {
    DaemonProcess before(site);
    REQUIRE(before.wait_healthy("web", 1));
    CHECK(before.ctl({"deploy", "web"}).exit_code == 0);
    CHECK(before.terminate().exit_code == 0);
  }
  REQUIRE(disk.make_read_only());
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  auto web = daemon.app("web");
  REQUIRE(web.has_value());
  CHECK(web->generation == 2);
  CHECK(wait_until([&] { return daemon.log().find("nothing is recorded") != std::string::npos; }));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy));
  CHECK(deploy.exit_code == 9);
  CHECK(deploy.err.find("Read-only file system") != std::string::npos);
  CHECK(daemon.terminate().exit_code == 0);
}
