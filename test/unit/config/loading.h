// Loads configurations from text for the tests of this folder, as a given user whoever runs them.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/daemon_user.h"
#include "config/load.h"
#include "support/temp_folder.h"

// Failed comparisons show the lines.
template <>
struct doctest::StringMaker<std::vector<std::string>> {
  static doctest::String convert(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += "\n    " + text;
    return out.c_str();
  }
};

namespace gracevisor::config::test {

inline DaemonUser ordinary() {
  return {1000, 1000, "ada", "staff", "/run/user/1000/gracevisor", "/home/ada/.local/state/gracevisor"};
}

inline std::vector<std::string> lines(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> out;
  out.reserve(diagnostics.size());
  for (const Diagnostic& diagnostic : diagnostics) out.push_back(diagnostic.line());
  return out;
}

inline std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += text + "\n";
  return out;
}

// The errors of `text`, standing in /etc/gv.toml; none when it loads.
inline std::vector<std::string> errors_of(std::string_view text, const DaemonUser& user = ordinary()) {
  auto loaded = load_text(text, "/etc/gv.toml", user);
  return loaded ? std::vector<std::string>() : lines(loaded.error());
}

inline std::vector<std::string> warnings_of(std::string_view text, const DaemonUser& user = ordinary()) {
  auto loaded = load_text(text, "/etc/gv.toml", user);
  REQUIRE_MESSAGE(loaded.has_value(), joined(lines(loaded.error())));
  return lines(loaded->warnings);
}

inline Config config_of(std::string_view text, const DaemonUser& user = ordinary()) {
  auto loaded = load_text(text, "/etc/gv.toml", user);
  REQUIRE_MESSAGE(loaded.has_value(), joined(lines(loaded.error())));
  return std::move(loaded->config);
}

// The first app of a configuration that has `keys` beside a command and a listener.
inline App app_of(const std::string& keys) {
  Config config = config_of("[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n" + keys);
  return config.apps.front();
}

// A temporary folder whose paths are strings, as the lines of errors have them.
class Folder {
 public:
  [[nodiscard]] std::string path(std::string_view name) const { return (folder_ / name).string(); }
  std::string write(std::string_view name, std::string_view text, unsigned mode = 0644) const {
    return folder_.write(name, text, mode).string();
  }

 private:
  gracevisor::test::TempFolder folder_;
};

}  // namespace gracevisor::config::test
