// Files of environment variables, in the dialect of docker compose's .env files, except that no variable is
// expanded: a $ stays, so that a secret is exactly what the file says.
//
//   KEY=value              blanks around key and value are ignored; "KEY: value" is the same
//   export KEY=value       the word is skipped
//   # a comment            also after a value and a blank: KEY=value # a comment, but KEY=a#b
//   KEY='literal'          may span several lines, as may the next form; \' is a quote
//   KEY="with escapes"     \n \r \t \\ \" \$; every other \ stays
//
// A byte order mark at the beginning and carriage returns at line ends are ignored. A key without "=" or ":"
// is an error: nothing is inherited. Messages never show a value, which may be a secret. Thread: any; reading
// blocks on the disk.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "spec/file_reader.h"

namespace gracevisor::spec {

using Environment = std::map<std::string, std::string>;

// Adds the variables in `text` to `into`; later lines win. The error begins with "NAME:LINE: ", and so does
// each hint; a hint points to a $ that looks as if it were meant to be expanded.
[[nodiscard]] base::Expected<void> parse_environment(std::string_view text, std::string_view name,
                                                     Environment& into, std::vector<std::string>& hints);

// The same from a file of at most 1 MiB; a missing file is skipped if `optional`. `reader` decides whose
// rights are used to read it; `user` is the app's.
[[nodiscard]] base::Expected<void> read_environment_file(const std::filesystem::path& path, bool optional,
                                                         Environment& into, std::vector<std::string>& hints,
                                                         const FileReader& reader = {},
                                                         const std::optional<spawn::Credentials>& user = {});

// Letters, digits and _ . -, beginning with a letter or _: a name that a program can receive and a file can
// contain.
[[nodiscard]] bool is_environment_key(std::string_view key);

}  // namespace gracevisor::spec
