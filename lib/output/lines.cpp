#include "output/lines.h"

#include <fmt/format.h>

#include <algorithm>

namespace gracevisor::output {

std::string FilePolicy::name() const {
  switch (sink) {
    case SinkKind::file: break;
    case SinkKind::syslog: return "syslog:" + path.native();
    case SinkKind::journal: return "journal:" + path.native();
  }
  return path.native();
}

void Dropped::add(std::string_view text) {
  lines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  bytes += text.size();
}

std::string Dropped::marker(bool json) const {
  return json ? fmt::format("{{\"dropped_lines\":{},\"dropped_bytes\":{}}}\n", lines, bytes)
              : fmt::format("[gracevisor: {} lines, {} bytes dropped]\n", lines, bytes);
}

}  // namespace gracevisor::output
