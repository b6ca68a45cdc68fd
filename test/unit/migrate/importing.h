// Imports text for the tests of this folder: on a machine that does not exist, with files that are in a map.
// What is made of it must be a configuration that the daemon takes.
#pragma once

#include <doctest/doctest.h>
#include <fnmatch.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/daemon_user.h"
#include "config/load.h"
#include "migrate/migrate.h"
#include "migrate/print.h"

namespace gracevisor::migrate::test {

class TextFiles : public Files {
 public:
  explicit TextFiles(std::map<std::string, std::string> texts = {}) : texts_(std::move(texts)) {}
  base::Expected<std::string> read(const std::filesystem::path& path) override {
    auto it = texts_.find(path.string());
    if (it == texts_.end()) return base::fail("cannot open " + path.string());
    return it->second;
  }
  base::Expected<std::vector<std::filesystem::path>> match(const std::string& pattern) override {
    std::vector<std::filesystem::path> found;
    for (const auto& [path, text] : texts_) {
      if (::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0) found.emplace_back(path);
    }
    return found;
  }

 private:
  std::map<std::string, std::string> texts_;
};

inline Host machine() {
  return {{{"REGION", "north"}, {"HOME", "/home/ada"}},
          "alpha.example.com",
          4,
          [](std::string_view user) -> std::optional<std::string> {
            if (user == "root") return "/root";
            return std::nullopt;
          }};
}

struct Imported {
  std::string toml;
  config::Config config;

  [[nodiscard]] const config::App& app(std::string_view name) const {
    const config::App* found = config.find_app(name);
    REQUIRE_MESSAGE(found != nullptr, toml);
    return *found;
  }
  [[nodiscard]] bool says(std::string_view text) const { return toml.find(text) != std::string::npos; }
};

inline base::Expected<Draft> draft_of(Foreign kind, const std::string& path, const std::string& text,
                                      const std::map<std::string, std::string>& others = {}) {
  TextFiles files(others);
  const Host host = machine();
  return migrate(kind, {path, std::filesystem::path(path).filename().string(), text, files, host});
}

inline Imported imported(Foreign kind, const std::string& path, const std::string& text,
                         const std::map<std::string, std::string>& others = {}) {
  auto draft = draft_of(kind, path, text, others);
  REQUIRE_MESSAGE(draft.has_value(), draft.error().what);
  Imported out;
  out.toml = print(*draft, "Made for a test.");
  auto loaded = config::load_text(out.toml, "/etc/gracevisor/gracevisor.toml", config::root_user());
  std::string errors;
  if (!loaded) {
    for (const config::Diagnostic& finding : loaded.error()) errors += finding.line() + "\n";
  }
  REQUIRE_MESSAGE(loaded.has_value(), (errors + out.toml));
  out.config = std::move(loaded->config);
  return out;
}

// The error; fails if there is none.
inline std::string refusal(Foreign kind, const std::string& path, const std::string& text,
                           const std::map<std::string, std::string>& others = {}) {
  auto draft = draft_of(kind, path, text, others);
  REQUIRE(!draft.has_value());
  return draft.error().what;
}

using Words = std::vector<std::string>;

}  // namespace gracevisor::migrate::test
