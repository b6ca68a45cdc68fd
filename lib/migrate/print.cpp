#include "migrate/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/findings.h"

namespace gracevisor::migrate {
namespace {

constexpr unsigned kPorts = 10'000;

std::string line(const Remark& remark) {
  std::string text = comment_text(remark.theirs);
  if (!text.empty()) text += ": ";
  return "# " + text + comment_text(remark.says) + "\n";
}

bool overlaps(unsigned first, const Draft& draft) {
  auto taken = draft.ports().lower_bound(first);
  return taken != draft.ports().end() && *taken < first + kPorts;
}

// Where instances listen: not where an app's clients come.
std::string port_range(const Draft& draft) {
  const config::PortRange usual;
  if (!overlaps(usual.first.value(), draft)) return {};
  for (unsigned first : {10'000U, 30'000U, 40'000U, 50'000U}) {
    if (overlaps(first, draft)) continue;
    return fmt::format(
        "\n[daemon]\n# The usual range, {}-{}, has a port that an app listens on.\n"
        "port_range = \"{}-{}\"\n",
        usual.first.value(), usual.last.value(), first, first + kPorts - 1);
  }
  return {};
}

// What a reader looks for first comes first; the rest in the order in which it was set.
std::size_t rank(const Entry& entry) {
  constexpr std::string_view kOrder[] = {"command",   "directory", "environment_file", "user",  "instances",
                                         "autostart", "endpoint",  "listen",           "health"};
  return static_cast<std::size_t>(std::ranges::find(kOrder, entry.key) - std::begin(kOrder));
}

void print_table(std::string& out, const App& app, std::string_view table) {
  std::vector<std::pair<std::size_t, std::size_t>> order;  // rank and index
  for (std::size_t i = 0; i < app.entries.size(); ++i) {
    if (app.entries[i].table == table) order.emplace_back(table.empty() ? rank(app.entries[i]) : 0, i);
  }
  std::ranges::sort(order);
  for (const auto& [first, index] : order) {
    const Entry& entry = app.entries[index];
    out += fmt::format("{}{} = {}\n", entry.example ? "#" : "", config::key_text(entry.key), entry.value);
  }
}

void print_app(std::string& out, const App& app) {
  out += fmt::format("\n[app.{}]\n", config::key_text(app.name));
  for (const Remark& remark : app.remarks) out += line(remark);
  print_table(out, app, "");
  std::vector<std::string_view> tables;
  for (const Entry& entry : app.entries) {
    if (!entry.table.empty() && std::ranges::find(tables, entry.table) == tables.end()) {
      tables.push_back(entry.table);
    }
  }
  for (std::string_view table : tables) {
    out += fmt::format("[app.{}.{}]\n", config::key_text(app.name), table);
    print_table(out, app, table);
  }
}

}  // namespace

std::string comment_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, which some terminals obey.
    bool upper = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (upper) {
      out += fmt::format(R"(\u{:04X})", static_cast<unsigned>(static_cast<unsigned char>(text[++i])));
    } else if (byte == '\n') {
      out += R"(\n)";
    } else if (byte == '\t') {
      out += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format(R"(\u{:04X})", static_cast<unsigned>(byte));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string print(const Draft& draft, std::string_view title) {
  std::string out = "# " + comment_text(title) + "\n";
  for (const Remark& remark : draft.remarks) out += line(remark);
  out += port_range(draft);
  for (const App& app : draft.apps) print_app(out, app);
  return out;
}

}  // namespace gracevisor::migrate
