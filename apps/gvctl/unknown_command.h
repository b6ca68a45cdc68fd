// What is said of a word that is no command: which one was probably meant, or what a word of supervisorctl,
// pm2, kamal, docker or systemctl is called here. Thread: values.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gracevisor::gvctl {

// One sentence, without a full stop at its end. `commands`: all that there are.
[[nodiscard]] std::string unknown_command(std::string_view word, std::span<const std::string_view> commands);

}  // namespace gracevisor::gvctl
