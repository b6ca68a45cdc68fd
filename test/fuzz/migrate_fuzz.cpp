// Files of other supervisors; the first byte is their kind. Oracles: a file is either imported or refused
// with a reason; what is printed of an imported one is TOML with just its apps, and has no control character
// but the ends of its lines.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/daemon_user.h"
#include "config/load.h"
#include "migrate/migrate.h"
#include "migrate/print.h"

namespace {

using namespace gracevisor;

// One file, which every pattern matches.
class OneFile : public migrate::Files {
 public:
  base::Expected<std::string> read(const std::filesystem::path& path) override {
    if (path != "/srv/other.conf") return base::fail("there is no " + path.string());
    return "[program:other]\ncommand=/bin/other\n[Service]\nRestart=always\n";
  }
  base::Expected<std::vector<std::filesystem::path>> match(const std::string& /*pattern*/) override {
    return std::vector<std::filesystem::path>{"/srv/other.conf"};
  }
};

void require(bool condition, const std::string& about) {
  if (condition) return;
  (void)std::fprintf(stderr, "%s\n", about.c_str());
  std::abort();
}

bool is_control(char c) {
  auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n') || byte == 0x7f;
}

// Values may be impossible here, such as a user's name with a blank: those are findings about a key. An error
// of syntax has no key.
bool about_a_key(const config::Diagnostic& finding) {
  return finding.text.starts_with("app.") || finding.text.starts_with("daemon.") ||
         finding.text.starts_with("listen.");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<config::Foreign>(data[0] % 4);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  OneFile files;
  const migrate::Host host{{{"HOME", "/root"}}, "host", 2, [](std::string_view /*user*/) { return "/root"; }};
  auto draft = migrate::migrate(kind, {"/srv/file@x.service", "file", text, files, host});
  if (!draft) {
    require(!draft.error().what.empty(), "refused without a reason");
    return 0;
  }
  const std::string toml = migrate::print(*draft, "file");
  require(std::ranges::none_of(toml, is_control), "a control character in\n" + toml);
  const auto loaded = config::load_text(toml, "/nonexistent/gracevisor.toml", config::root_user());
  if (!loaded) {
    for (const config::Diagnostic& finding : loaded.error()) {
      require(about_a_key(finding), finding.line() + "\n" + toml);
    }
    return 0;
  }
  require(loaded->config.apps.size() == draft->apps.size(), "other apps than\n" + toml);
  return 0;
}
