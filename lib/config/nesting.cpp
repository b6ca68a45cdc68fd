#include "config/nesting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace gracevisor::config {
namespace {

// Walks over TOML text outside its strings and comments.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<NestingTrouble> run() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    for (bool line_begins = true; at_ < text_.size();) {
      char c = text_[at_];
      // Deeper in brackets it is an array.
      if (c == '[' && line_begins && brackets_ == 0 && !names_table()) {
        return trouble(
            "a table's name is missing, or begins with none of A-Z a-z 0-9 _ - and quotes: [daemon]");
      }
      line_begins = c == '\n' || (line_begins && (c == ' ' || c == '\t'));
      if (c == '"' || c == '\'') {
        skip_string(c);
      } else if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        if (auto trouble = count(c)) return trouble;
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  std::optional<NestingTrouble> count(char c) {
    switch (c) {
      case '.':
        if (++dots_ >= kMostKeyParts) {
          return trouble(fmt::format("a key has more than {} parts", kMostKeyParts));
        }
        break;
      case '[':
      case '{':
        dots_ = 0;
        if (++brackets_ > kMostBrackets) {
          return trouble(fmt::format("brackets nest deeper than {} levels", kMostBrackets));
        }
        break;
      case ']':
      case '}':
        dots_ = 0;
        if (brackets_ > 0) --brackets_;
        break;
      case '\n':
      case '=':
      case ',': dots_ = 0; break;
      default: break;
    }
    return std::nullopt;
  }

  // Whether a name follows the bracket, or two of them; a bracket that closes and the text's end are the
  // parser's to judge.
  [[nodiscard]] bool names_table() const {
    std::size_t at = at_;
    const auto skip_blanks = [&] { at = std::min(text_.find_first_not_of(" \t", at + 1), text_.size()); };
    skip_blanks();
    if (text_.substr(at).starts_with('[')) skip_blanks();
    if (at == text_.size()) return true;
    const auto c = static_cast<unsigned char>(text_[at]);
    return std::isalnum(c) != 0 || std::string_view("_-\"']").find(text_[at]) != std::string_view::npos;
  }

  // An unterminated one-line string ends with its line: the parser stops there with an error of its own.
  void skip_string(char quote) {
    std::string closing(3, quote);
    bool multi_line = text_.substr(at_, 3) == closing;
    at_ += multi_line ? 3 : 1;
    while (at_ < text_.size()) {
      if (text_[at_] == '\\' && quote == '"') {
        at_ += 2;
      } else if (multi_line && text_.substr(at_, 3) == closing) {
        at_ += 3;
        // Up to two quotes may come right before the closing ones.
        while (at_ < text_.size() && text_[at_] == quote) ++at_;
        return;
      } else if (!multi_line && (text_[at_] == quote || text_[at_] == '\n')) {
        if (text_[at_] == quote) ++at_;
        return;
      } else {
        ++at_;
      }
    }
  }

  [[nodiscard]] NestingTrouble trouble(std::string text) const {
    NestingTrouble out{1, 1, std::move(text)};
    for (char c : text_.substr(0, at_)) {
      out.column = c == '\n' ? 1 : out.column + 1;
      if (c == '\n') ++out.line;
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned dots_ = 0;
  unsigned brackets_ = 0;
};

}  // namespace

std::optional<NestingTrouble> check_nesting(std::string_view text) {
  return Scanner(text).run();
}

}  // namespace gracevisor::config
