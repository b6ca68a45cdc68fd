#include "spec/environment_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace gracevisor::spec {
namespace {

constexpr std::size_t kMaxEnvironmentFile = 1U << 20;
constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kMark = "\xef\xbb\xbf";

bool is_blank(char c) {
  return kBlank.find(c) != std::string_view::npos;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::string_view trimmed(std::string_view text) {
  std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Where docker compose would insert a variable's value: $NAME, ${NAME}; or one $ for $$.
bool looks_expanded(std::string_view from_dollar) {
  if (from_dollar.size() < 2) return false;
  char next = from_dollar[1];
  return is_letter(next) || next == '{' || next == '$';
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view name, Environment& into, std::vector<std::string>& hints)
      : rest_(text), name_(name), into_(into), hints_(hints) {}

  base::Expected<void> read() {
    if (rest_.starts_with(kMark)) rest_.remove_prefix(kMark.size());
    while (!rest_.empty()) {
      std::size_t began = line_;
      if (auto one = read_statement(); !one) {
        return base::fail(fmt::format("{}:{}: {}", name_, began, one.error().what));
      }
    }
    return {};
  }

 private:
  // A blank line, a comment, or a variable with its value, which may take several lines.
  base::Expected<void> read_statement() {
    std::string_view line = trimmed(rest_.substr(0, rest_.find('\n')));
    if (line.empty() || line.front() == '#') {
      (void)take_line();
      return {};
    }
    auto key = take_key();
    if (!key) return std::unexpected(key.error());
    expands_ = false;
    std::size_t began = line_;
    auto value = take_value();
    if (!value) return std::unexpected(value.error());
    if (value->find('\0') != std::string::npos) return base::fail("a value cannot hold a NUL byte");
    if (expands_) {
      hints_.push_back(
          fmt::format("{}:{}: {}: the \"$\" stays as it is: variables are not expanded", name_, began, *key));
    }
    into_.insert_or_assign(std::string(*key), std::move(*value));
    return {};
  }

  // Up to and including the "=" or ":".
  base::Expected<std::string_view> take_key() {
    constexpr std::string_view kExport = "export";
    std::string_view line = rest_.substr(0, rest_.find('\n'));
    std::size_t delimiter = line.find_first_of("=:");
    if (delimiter == std::string_view::npos) return base::fail("not of the form KEY=VALUE");
    std::string_view key = trimmed(line.substr(0, delimiter));
    if (key.size() > kExport.size() && key.starts_with(kExport) && is_blank(key[kExport.size()])) {
      key = trimmed(key.substr(kExport.size()));
    }
    if (!is_environment_key(key)) {
      return base::fail("not the name of an environment variable before the \"=\"");
    }
    rest_.remove_prefix(delimiter + 1);
    return key;
  }

  base::Expected<std::string> take_value() {
    std::string_view value = trimmed(rest_.substr(0, rest_.find('\n')));
    if (value.empty() || (value.front() != '"' && value.front() != '\'')) return take_plain();
    rest_.remove_prefix(rest_.find(value.front()));
    return take_quoted();
  }

  std::string take_plain() {
    std::string_view text = take_line();
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '#' && is_blank(text[i - 1])) text = text.substr(0, i);
    }
    text = trimmed(text);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '$' && looks_expanded(text.substr(i))) expands_ = true;
    }
    return std::string(text);
  }

  // `rest_` begins with the quote. What follows the closing one may only be a comment.
  base::Expected<std::string> take_quoted() {
    char quote = rest_.front();
    rest_.remove_prefix(1);
    std::string value;
    while (!rest_.empty()) {
      char c = rest_.front();
      if (c == quote) {
        rest_.remove_prefix(1);
        std::string_view after = trimmed(take_line());
        if (!after.empty() && after.front() != '#') return base::fail("text after the closing quote");
        return value;
      }
      if (c == '$' && quote == '"' && looks_expanded(rest_)) expands_ = true;
      take_character(quote, value);
    }
    return base::fail("the closing quote is missing");
  }

  // One character within quotes, or two that stand for one.
  void take_character(char quote, std::string& value) {
    if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
    char c = rest_.front();
    if (c == '\n') ++line_;
    if (c != '\\' || rest_.size() == 1) {
      value.push_back(c);
      rest_.remove_prefix(1);
      return;
    }
    std::optional<char> meant = unescaped(quote, rest_[1]);
    value.push_back(meant.value_or(c));
    rest_.remove_prefix(meant ? 2 : 1);
  }

  static std::optional<char> unescaped(char quote, char c) {
    if (c == quote) return c;
    if (quote == '\'') return std::nullopt;
    switch (c) {
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case '\\':
      case '$': return c;
      default: return std::nullopt;
    }
  }

  std::string_view take_line() {
    std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++line_;
    return line;
  }

  std::string_view rest_;
  std::string_view name_;
  Environment& into_;
  std::vector<std::string>& hints_;
  std::size_t line_ = 1;
  bool expands_ = false;  // the value at hand has a $ that docker compose would have expanded
};

}  // namespace

bool is_environment_key(std::string_view key) {
  auto further = [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  return !key.empty() && is_letter(key.front()) && std::all_of(key.begin(), key.end(), further);
}

base::Expected<void> parse_environment(std::string_view text, std::string_view name, Environment& into,
                                       std::vector<std::string>& hints) {
  return Reader(text, name, into, hints).read();
}

base::Expected<void> read_environment_file(const std::filesystem::path& path, bool optional,
                                           Environment& into, std::vector<std::string>& hints,
                                           const FileReader& reader,
                                           const std::optional<spawn::Credentials>& user) {
  auto text = reader.read(path, kMaxEnvironmentFile, user);
  if (!text) {
    if (optional && text.error().code == ENOENT) return {};
    return std::unexpected(text.error());
  }
  return parse_environment(*text, path.string(), into, hints);
}

}  // namespace gracevisor::spec
