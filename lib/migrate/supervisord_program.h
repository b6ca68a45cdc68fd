// One [program:NAME] of supervisord as apps of ours. Thread: the one that imports; pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "migrate/draft.h"
#include "migrate/migrate.h"
#include "migrate/sections.h"

namespace gracevisor::migrate {

using Names = std::map<std::string, std::string, std::less<>>;

// What a program's %(NAME)s stand for.
struct Scope {
  std::string program;
  std::string group;
  std::string here;
  const Host* host = nullptr;
  Environment environment;  // of every program: [supervisord] environment=

  [[nodiscard]] Names names() const;
};

[[nodiscard]] base::Expected<void> add_program(Draft& draft, Section& section, const Scope& scope);

// Its log files. `shared`: the app stands for several processes of theirs.
[[nodiscard]] base::Expected<void> set_logs(Draft& draft, App& app, Section& section, const Names& names,
                                            bool shared);

// %(NAME)s, %(NAME)d and %(NAME)02d with their values, %% as %; an error, which begins with `where`, for a
// name without a value, as supervisord does not start then either.
[[nodiscard]] base::Expected<std::string> expand(std::string_view text, const Names& names,
                                                 const std::string& where);

// Values; an error names the setting. What is out of range is moved to the bound.
[[nodiscard]] base::Expected<std::int64_t> read_integer(const Setting& setting, const Names& names,
                                                        std::int64_t least, std::int64_t most);
[[nodiscard]] base::Expected<bool> read_flag(const Setting& setting, const Names& names);
// "50MB" is 50 * 1024 * 1024.
[[nodiscard]] base::Expected<std::uint64_t> read_size(const Setting& setting, const Names& names);

// environment=A="x",B='y,z'
[[nodiscard]] base::Expected<Environment> read_pairs(std::string_view text, const std::string& where);

}  // namespace gracevisor::migrate
