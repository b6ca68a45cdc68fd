// Configuration texts. Oracles: a text is either accepted or refused with at least one finding; what an
// accepted one means in effect, written as text, is accepted too and means the same; so is what differs from
// the defaults.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/daemon_user.h"
#include "config/load.h"

namespace {

namespace config = gracevisor::config;

// No such folder: what a text includes is not there.
constexpr const char* kName = "/nonexistent/gracevisor.toml";

void require(bool condition, const std::string& about) {
  if (condition) return;
  (void)std::fprintf(stderr, "%s\n", about.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // What names another place of this machine is left out: its files are not the fuzzer's to read.
  if (text.find("include") != std::string_view::npos) return 0;
  const auto loaded = config::load_text(text, kName, config::root_user());
  if (!loaded) {
    require(!loaded.error().empty(), "refused without a finding");
    for (const config::Diagnostic& finding : loaded.error())
      require(!finding.line().empty(), "an empty finding");
    return 0;
  }
  const std::string effective = config::effective_text(loaded->config);
  const auto again = config::load_text(effective, kName, config::root_user());
  require(again.has_value(), "the effective text is refused: " +
                                 (again ? std::string() : again.error().front().line() + "\n" + effective));
  require(config::effective_text(again->config) == effective, "the effective text changes:\n" + effective);
  const std::string changed = config::changed_text(*loaded, config::root_user());
  const auto third = config::load_text(changed, kName, config::root_user());
  require(third.has_value() && config::effective_text(third->config) == effective,
          "what differs from the defaults means something else:\n" + changed);
  return 0;
}
