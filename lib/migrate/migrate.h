// From the files of another supervisor to a configuration of ours: gracevisord --import. One importer for
// each kind reads everything into a Draft (draft.h), and one printer (print.h) makes TOML of that. Nothing is
// printed of a file that cannot be read whole: half a configuration would look like all of it. The files
// are data, except a PM2 file that is a program, which only node.h runs. Thread: the one that imports.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/foreign.h"
#include "migrate/draft.h"

namespace gracevisor::migrate {

using config::Foreign;

// The files that an importer may look at besides the first: included ones, drop-ins.
class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;
  // The whole text; an error names the file.
  [[nodiscard]] virtual base::Expected<std::string> read(const std::filesystem::path& path) = 0;
  // What glob(7) finds, sorted; nothing found is no error.
  [[nodiscard]] virtual base::Expected<std::vector<std::filesystem::path>> match(
      const std::string& pattern) = 0;
};

// What a file may refer to of the machine that it is for.
struct Host {
  std::map<std::string, std::string, std::less<>> environment;
  std::string name;
  unsigned cpus = 1;
  std::function<std::optional<std::string>(std::string_view user)> home_of;
};

struct Input {
  std::filesystem::path path;  // absolute
  std::string name;            // as messages show it
  std::string text;
  Files& files;
  const Host& host;
};

[[nodiscard]] base::Expected<Draft> from_supervisord(const Input& input);
[[nodiscard]] base::Expected<Draft> from_pm2(const Input& input);
[[nodiscard]] base::Expected<Draft> from_procfile(const Input& input);
[[nodiscard]] base::Expected<Draft> from_systemd(const Input& input);

// The importer of that kind; also refuses what is no text: invalid UTF-8, NUL.
[[nodiscard]] base::Expected<Draft> migrate(Foreign kind, const Input& input);

// `text` must be UTF-8 without NUL; the error names file and line.
[[nodiscard]] base::Expected<void> check_text(std::string_view text, const std::string& name);

}  // namespace gracevisor::migrate
