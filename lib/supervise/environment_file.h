// Files of environment variables. One KEY=VALUE a line; blank lines and lines that begin with # are skipped,
// a leading "export " too. A value may stand in quotes: '…' is literal, "…" knows \" \\ \$ \n \t. Without
// quotes it is everything to the line's end, a # included. Nothing is expanded or evaluated. Messages never
// show a value: it may be a secret. Thread: any; reading blocks on the disk.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "supervise/file_access.h"

namespace gracevisor::supervise {

using Environment = std::map<std::string, std::string>;

// Adds what `text` says to `into`; later lines win. The error begins with "NAME:LINE: ".
[[nodiscard]] base::Expected<void> parse_environment(std::string_view text, std::string_view name,
                                                     Environment& into);

// The same from a file of at most 1 MiB; a missing one is skipped when `optional`. `access` decides by whose
// rights the file is read, `user` being the app's.
[[nodiscard]] base::Expected<void> read_environment_file(const std::filesystem::path& path, bool optional,
                                                         Environment& into, const FileAccess& access = {},
                                                         const std::optional<spawn::Credentials>& user = {});

// Letters, digits, _ . - and no digit first: what a program can receive and a file can say.
[[nodiscard]] bool is_environment_key(std::string_view key);

}  // namespace gracevisor::supervise
