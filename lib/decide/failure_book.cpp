#include "decide/failure_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "routing/endpoint.h"

namespace gracevisor::decide {

bool FailureBook::poll(std::uint64_t letters, base::TimePoint now) {
  if (letters == letters_) return false;
  letters_ = letters;
  looked_ = now;
  return true;
}

void FailureBook::note(base::AppId app, const routing::LastFailure& what) {
  pages_[app].last = what;
}

std::optional<std::string> FailureBook::take_line(base::AppId app, const std::string& name,
                                                  std::uint64_t failed, base::TimePoint now) {
  auto it = pages_.find(app);
  if (it == pages_.end() || !it->second.last) return std::nullopt;
  Page& page = it->second;
  if (page.told && now - *page.told < kQuiet) return std::nullopt;
  const routing::LastFailure& last = *page.last;
  std::string line = fmt::format("failed app={}", name);
  if (last.generation != base::GenerationId()) {
    line += " instance=" + routing::instance_name(last.generation, last.slot);
  }
  line += fmt::format(" reason={}", http::text_of(last.reason).token);
  if (!last.field.empty()) line += fmt::format(" field={}", last.field);
  line += fmt::format(" requests={}", failed - std::min(failed, page.told_failed));
  page = {.last = std::nullopt, .told_failed = failed, .told = now};
  return line;
}

bool FailureBook::waiting(base::TimePoint now) const {
  if (looked_ && now - *looked_ < kFollow) return true;
  return std::any_of(pages_.begin(), pages_.end(),
                     [](const auto& page) { return page.second.last.has_value(); });
}

}  // namespace gracevisor::decide
