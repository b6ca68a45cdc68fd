#include "config/substitute.h"

#include <cstddef>

#include "base/nearest.h"
#include "config/findings.h"

namespace gracevisor::config {
namespace {

base::Error unknown_placeholder(std::string_view name) {
  std::string text = "unknown placeholder " + quote_briefly("{" + std::string(name) + "}");
  if (auto near = base::nearest(name, kPlaceholders); !near.empty()) {
    text += R"( (did you mean "{)" + std::string(near) + R"(}"?))";
  } else {
    text +=
        R"(; known are {port}, {socket}, {directory}, {app}, {slot}, {generation}, and "{{" is a brace itself)";
  }
  return {text, 0};
}

}  // namespace

base::Expected<std::string> substitute(std::string_view text, const Values& values) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    char c = text[at];
    if (c != '{' && c != '}') {
      out += c;
      ++at;
      continue;
    }
    if (text.substr(at + 1).starts_with(c)) {
      out += c;
      at += 2;
      continue;
    }
    std::size_t end = c == '{' ? text.find('}', at) : std::string_view::npos;
    if (end == std::string_view::npos) {
      return base::fail(R"(a lone ")" + std::string(1, c) + R"(" in )" + quote_briefly(text) +
                        R"(: write ")" + std::string(2, c) + R"(" for the brace itself)");
    }
    auto name = text.substr(at + 1, end - at - 1);
    auto value = values.find(name);
    if (value == values.end()) return std::unexpected(unknown_placeholder(name));
    out += value->second;
    at = end + 1;
  }
  return out;
}

}  // namespace gracevisor::config
