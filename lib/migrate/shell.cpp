#include "migrate/shell.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "config/words.h"
#include "migrate/sections.h"

namespace gracevisor::migrate {
namespace {

// Stands for $PORT while words are read; such a byte in the text itself is an error.
constexpr char kPort = '\x01';

// The length of $PORT, ${PORT} or ${PORT:-5000} at the beginning; 0 if there is none.
std::size_t port_length(std::string_view text) {
  if (text.starts_with("$PORT") && (text.size() == 5 || !config::is_name_character(text[5]))) return 5;
  if (text.starts_with("${PORT}")) return 7;
  if (text.starts_with("${PORT:-") || text.starts_with("${PORT-")) {
    auto end = text.find('}');
    return end == std::string_view::npos ? 0 : end + 1;
  }
  return 0;
}

// One walk over the text that knows what is quoted: replaces $PORT, and finds what words.h does not look for.
struct Walk {
  std::string masked;
  std::string needs_shell;        // a glob, a sub-shell, a parameter
  std::size_t last_and = 0;       // behind the last && that joins commands
  bool joined_otherwise = false;  // ; | & or a sub-shell
  bool uses_port = false;

  explicit Walk(std::string_view text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      if (quote != '\'' && c == '$') {
        if (std::size_t length = port_length(text.substr(i)); length > 0) {
          masked += kPort;
          uses_port = true;
          i += length - 1;
          continue;
        }
        bool alone = i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '"';
        if (!alone) need("$" + std::string(text.substr(i + 1, 1)));
      }
      if (quote != '\'' && c == '\\' && i + 1 < text.size()) {
        masked += c;
        masked += text[++i];
        continue;
      }
      if (quote != '\'' && c == '`') need("`");
      if (quote == 0) unquoted(text, i);
      if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      }
      masked += c;
    }
  }

 private:
  void need(std::string what) {
    if (needs_shell.empty()) needs_shell = std::move(what);
  }

  void unquoted(std::string_view text, std::size_t i) {
    char c = text[i];
    char before = i > 0 ? text[i - 1] : ' ';
    char after = i + 1 < text.size() ? text[i + 1] : ' ';
    if (std::string_view("*?[(").find(c) != std::string_view::npos) need(std::string(1, c));
    if (c == '#' && before == ' ') need("#");
    if (c == '!' && after == ' ') need("!");
    if (c == '&' && before == '&') last_and = i + 1;
    bool single_and =
        c == '&' && after != '&' && before != '&' && before != '>' && before != '<' && after != '>';
    if (c == ';' || c == '|' || c == '(' || c == '#' || single_and) joined_otherwise = true;
  }
};

std::string port_template(std::string_view word) {
  std::string out;
  for (char c : word) {
    if (c == kPort) {
      out += "{port}";
    } else {
      out += as_template(std::string_view(&c, 1));
    }
  }
  return out;
}

// Does the text begin with "NAME="?
bool assigns(std::string_view text) {
  auto sign = text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
  return sign != std::string_view::npos && sign > 0 && text[sign] == '=';
}

// Takes A=1 or A='x y' off the beginning of `text`; unset if there is none in which the shell expands
// nothing.
std::optional<std::string> take_assignment(std::string& text) {
  if (!assigns(text)) return std::nullopt;
  for (std::size_t end = 0; end < text.size();) {
    end = std::min(text.find_first_of(" \t", end + 1), text.size());
    auto head = config::read_words(text.substr(0, end));
    if (!head) continue;  // inside quotes
    if (!head->shell_syntax.empty() && head->shell_syntax != head->words[0]) return std::nullopt;
    text = std::string(trimmed(text.substr(end)));
    return head->words[0];
  }
  return std::nullopt;
}

// exec lets the program itself be the process that is signalled; possible where it is the last one.
std::string with_exec(std::string_view text, const Walk& walk) {
  if (walk.joined_otherwise) return std::string(text);
  std::string_view last = trimmed(text.substr(walk.last_and));
  static constexpr std::string_view kOwnWords[] = {"exec ",  "cd ",   "if ",     "for ", "while ",  "{ ",
                                                   "until ", "case ", "export ", ". ",   "source ", "! "};
  if (std::ranges::any_of(kOwnWords, [&](auto word) { return last.starts_with(word); }))
    return std::string(text);
  std::string front(trimmed(text.substr(0, walk.last_and)));
  return front + (front.empty() ? "" : " ") + (assigns(last) ? "exec env " : "exec ") + std::string(last);
}

}  // namespace

base::Expected<ShellCommand> read_shell_command(std::string_view text) {
  constexpr std::size_t kLongest = 16U << 10;
  text = trimmed(text);
  if (text.size() > kLongest) return base::fail(fmt::format("a command of more than {} bytes", kLongest));
  if (text.find(kPort) != std::string_view::npos) return base::fail("a control character in a command");
  const Walk whole(text);
  ShellCommand out;
  out.uses_port = whole.uses_port;
  std::string rest = whole.masked;
  while (auto assignment = take_assignment(rest)) {
    auto sign = assignment->find('=');
    out.environment.insert_or_assign(assignment->substr(0, sign),
                                     port_template(assignment->substr(sign + 1)));
  }
  if (rest.starts_with("exec ")) rest = std::string(trimmed(std::string_view(rest).substr(5)));
  auto read = config::read_words(rest);
  if (!read) return std::unexpected(read.error());
  if (read->words.empty()) return base::fail("no program in the command");
  out.shell_for = !read->shell_syntax.empty() ? read->shell_syntax : whole.needs_shell;
  if (out.shell_for.empty()) {
    for (const std::string& word : read->words) out.words.push_back(port_template(word));
    return out;
  }
  // The shell reads all of it again, assignments too.
  std::ranges::replace(out.shell_for, kPort, '$');
  out.environment.clear();
  out.words = {"sh", "-c", as_template(with_exec(text, whole))};
  return out;
}

}  // namespace gracevisor::migrate
