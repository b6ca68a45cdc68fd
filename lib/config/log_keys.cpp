#include "config/log_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include "base/nearest.h"
#include "config/log_target.h"
#include "config/substitute.h"

namespace gracevisor::config {
namespace {

bool is_for_later(Reading& reading, const Item& item, const std::string& text) {
  if (text != "journal" && text != "syslog") return false;
  reading.not_supported(item);
  return true;
}

std::string suggestion(std::string_view text, std::span<const std::string_view> words,
                       std::string_view format) {
  auto near = base::nearest(text, words);
  return near.empty() ? std::string() : fmt::format(fmt::runtime(format), quote(near));
}

// One of `words`, a sink, or a file's path, which must contain a slash so that a misspelt word is not taken
// for a file.
void read_target(Reading& reading, const Item& item, std::initializer_list<std::string_view> words,
                 std::string& target) {
  auto text = reading.text(item, R"(a file's path or a word such as "inherit")");
  if (!text || read_sink(reading, item, target)) return;
  if (std::ranges::find(words, *text) != words.end()) {
    target = *text;
  } else if (text->find('/') == std::string::npos) {
    reading.error(item, fmt::format(R"({} is no file's path (write "./{}" for a file beside this one){})",
                                    quote_briefly(*text), key_text(*text),
                                    suggestion(*text, {words.begin(), words.end()}, "; did you mean {}?")));
  } else if (auto path = reading.path(item)) {
    target = path->string();
  }
}

}  // namespace

bool read_sink(Reading& reading, const Item& item, std::string& target) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  const auto sink = text != nullptr ? log_sink(*text) : std::nullopt;
  if (!sink) return false;
  if (const std::string why = why_no_sink(*sink); !why.empty()) {
    reading.error(item, fmt::format("{}: {}", quote_briefly(*text), why));
  } else {
    target = *text;
  }
  return true;
}

void read_stdout(Reading& reading, const Item& item, std::string& target) {
  read_target(reading, item, {"", "inherit", "journal", "syslog"}, target);
}

void read_stderr(Reading& reading, const Item& item, std::string& target) {
  read_target(reading, item, {"stdout", "inherit", "journal", "syslog"}, target);
}

// Absolute, not relative to the file's folder: an app's log should not move with the file that includes it.
void read_access_path(Reading& reading, const Item& item, std::string& path) {
  auto text = reading.text(item, kAccessPath.what);
  if (!text) return;
  constexpr std::array<std::string_view, 1> kWords = {"inherit"};
  if (text->empty() || *text == kWords[0]) {
    path = *text;
  } else if (is_for_later(reading, item, *text)) {
    return;
  } else if (auto hint = tilde_hint(*text); !hint.empty()) {
    reading.error(item, hint);
  } else if (text->front() == '/' && text->back() != '/') {
    path = std::filesystem::path(*text).lexically_normal().string();
  } else {
    reading.error(item, fmt::format("expected {}, found {}{}", kAccessPath.what, quote_briefly(*text),
                                    suggestion(*text, kWords, " (did you mean {}?)")));
  }
}

}  // namespace gracevisor::config
