// What an app said before it ended: of its last lines, the one that tells why. Languages put it in different
// places: Python behind its stack, Node, Go and Java before it. Pure. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "base/strong.h"

namespace gracevisor::decide {

// "SyntaxError: invalid syntax, web.py line 12"; empty: it said nothing. One line, of at most 160 bytes and
// the place.
[[nodiscard]] std::string last_words(const std::vector<std::string>& lines);

// Do such words name an error by themselves, as a mere last line does not?
[[nodiscard]] bool tell_why(const std::string& words);

// If it said that an address is in use: the ports that this may be about, from that line and from the words
// of its command.
[[nodiscard]] std::vector<base::Port> ports_in_use(const std::vector<std::string>& lines,
                                                   const std::vector<std::string>& command);

}  // namespace gracevisor::decide
