// Files and words of other supervisors: which kind a file is, and what a key of theirs is called here. For
// messages, and for gracevisord --import. Thread: any; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gracevisor::config {

enum class Foreign : std::uint8_t { supervisord, pm2, procfile, systemd };

// By the file's name, and for names that say nothing by its content; unset if neither is known.
[[nodiscard]] std::optional<Foreign> foreign_kind(std::string_view name, std::string_view text);
// By the content alone; for a file that should be ours.
[[nodiscard]] std::optional<Foreign> foreign_content(std::string_view text);

// As `--from` takes it: "supervisord".
[[nodiscard]] std::string_view foreign_word(Foreign kind);
[[nodiscard]] std::optional<Foreign> foreign_named(std::string_view word);
// For a message: "a supervisord file".
[[nodiscard]] std::string_view foreign_text(Foreign kind);

// What their key in a table such as "app.web" is called here: "app.web.restart.policy"; empty if it is not
// one of theirs.
[[nodiscard]] std::string our_key(std::string_view table, std::string_view theirs);

}  // namespace gracevisor::config
