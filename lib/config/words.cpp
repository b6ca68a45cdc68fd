#include "config/words.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>

#include "config/substitute.h"

namespace gracevisor::config {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Reads one command, with the rules of the POSIX shell (section 2.2, quoting) and no expansion.
class WordReader {
 public:
  explicit WordReader(std::string_view text) : text_(text) {}

  base::Expected<Words> run() {
    while (at_ < text_.size()) {
      if (auto done = step(); !done) return std::unexpected(done.error());
    }
    end_word();
    return std::move(out_);
  }

 private:
  base::Expected<void> step() {
    char c = text_[at_];
    if (is_space(c)) {
      end_word();
      ++at_;
      return {};
    }
    if (c == '\'') return single_quoted();
    if (c == '"') return double_quoted();
    if (c == '\\') return escaped();
    note_shell_syntax(c);
    append(c);
    ++at_;
    return {};
  }

  base::Expected<void> single_quoted() {
    auto end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return base::fail("the quote ' is not closed");
    open_word().append(text_.substr(at_ + 1, end - at_ - 1));
    quoted_ = true;
    at_ = end + 1;
    return {};
  }

  base::Expected<void> double_quoted() {
    open_word();
    quoted_ = true;
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"') {
        ++at_;
        return {};
      }
      // Inside double quotes a backslash is special only before these.
      if (c == '\\' && at_ + 1 < text_.size() &&
          std::string_view("$`\"\\\n").find(text_[at_ + 1]) != std::string_view::npos) {
        c = text_[++at_];
        if (c == '\n') continue;
      }
      append(c);
    }
    return base::fail(R"(the quote " is not closed)");
  }

  base::Expected<void> escaped() {
    if (at_ + 1 == text_.size()) return base::fail("a backslash at the end quotes nothing");
    if (char c = text_[at_ + 1]; c != '\n') {  // a backslash before a line's end joins the lines
      append(c);
      quoted_ = true;
    }
    at_ += 2;
    return {};
  }

  void note_shell_syntax(char c) {
    if (!out_.shell_syntax.empty()) return;
    if (std::string_view("&|;<>`").find(c) != std::string_view::npos) {
      bool twice = text_.substr(at_ + 1).starts_with(c) && c != '`';
      out_.shell_syntax = std::string(twice ? 2 : 1, c);
    } else if (c == '$' && at_ + 1 < text_.size() &&
               (is_name_character(text_[at_ + 1]) || text_[at_ + 1] == '{' || text_[at_ + 1] == '(')) {
      std::size_t end = at_ + 2;
      while (end < text_.size() && is_name_character(text_[end])) ++end;
      out_.shell_syntax = text_.substr(at_, end - at_);
    } else if (c == '~' && !word_ &&
               (at_ + 1 == text_.size() || is_space(text_[at_ + 1]) || text_[at_ + 1] == '/')) {
      out_.shell_syntax = "~";
    }
  }

  std::string& open_word() {
    if (!word_) word_.emplace();
    return *word_;
  }
  void append(char c) { open_word().push_back(c); }

  void end_word() {
    if (!word_) return;
    if (out_.words.empty() && !quoted_ && out_.shell_syntax.empty() && assigns(*word_)) {
      out_.shell_syntax = *word_;
    }
    out_.words.push_back(std::move(*word_));
    word_.reset();
    quoted_ = false;
  }

  static bool assigns(std::string_view word) {
    auto equals = word.find('=');
    return equals != std::string_view::npos && equals > 0 &&
           std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals), is_name_character);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> word_;  // set while inside a word, even an empty one
  bool quoted_ = false;              // some of the word was quoted
  Words out_;
};

}  // namespace

base::Expected<Words> read_words(std::string_view text) {
  return WordReader(text).run();
}

}  // namespace gracevisor::config
