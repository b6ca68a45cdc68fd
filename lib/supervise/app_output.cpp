#include "supervise/app_output.h"

#include <fmt/format.h>

#include <algorithm>

namespace gracevisor::supervise {
namespace {

constexpr std::uint64_t kGenerationsKept = 3;
constexpr base::Duration kIdle = std::chrono::seconds(2);

output::FilePolicy policy(const std::string& path, const config::AppLog& log) {
  return {.path = path == "inherit" ? std::filesystem::path() : std::filesystem::path(path),
          .max_size = log.max_size,
          .keep = log.keep};
}

}  // namespace

AppOutput::AppOutput(loop::Loop& loop, output::Writer& writer, const std::filesystem::path& state_dir,
                     const config::App& config)
    : writer_(writer), idle_(loop, [this] { flush_all(); }) {
  std::string out =
      config.log.out.empty() ? (state_dir / "log" / (config.name + ".log")).string() : config.log.out;
  out_ = policy(out, config.log);
  err_ = policy(config.log.err == "stdout" ? out : config.log.err, config.log);
}

OutputTail& AppOutput::tail(const routing::Identity& who) {
  auto& tail = tails_[{who.generation, who.slot}];
  if (!tail) {
    tail = std::make_unique<OutputTail>(fmt::format("{}.{}", who.generation.value(), who.slot.value()),
                                        [this](const OutputLine& line) { on_line(line); });
    while (tails_.begin()->first.first.value() + kGenerationsKept <= tails_.rbegin()->first.first.value()) {
      tails_.erase(tails_.begin());
    }
  }
  // A generation that old may still drain; its lines count as the oldest one's that is kept.
  auto it = tails_.find({who.generation, who.slot});
  return it != tails_.end() ? *it->second : *tails_.begin()->second;
}

void AppOutput::on_line(const OutputLine& line) {
  writer_.append(line.stream == OutputStream::out ? out_ : err_, line.text + "\n");
  for (auto& [number, follower] : followers_) follower(line);
}

void AppOutput::take(const routing::Identity& who, OutputStream stream, std::string_view bytes) {
  OutputTail& lines = tail(who);
  lines.add(stream, bytes, std::chrono::system_clock::now());
  if (lines.has_unfinished() && !idle_.running()) idle_.start(kIdle);
}

void AppOutput::note(const routing::Identity& who, std::string_view text) {
  flush(who);
  tail(who).add(OutputStream::err, fmt::format("[gracevisor] {}\n", text), std::chrono::system_clock::now());
}

void AppOutput::flush(const routing::Identity& who) {
  tail(who).flush(std::chrono::system_clock::now());
}

void AppOutput::flush_all() {
  for (auto& [key, tail] : tails_) tail->flush(std::chrono::system_clock::now());
}

std::vector<std::string> AppOutput::last(const routing::Identity& who, std::size_t count) const {
  std::vector<std::string> result;
  auto it = tails_.find({who.generation, who.slot});
  if (it == tails_.end()) return result;
  for (const OutputLine* line : it->second->last(count)) result.push_back(line->text);
  return result;
}

std::vector<OutputLine> AppOutput::last(const std::function<bool(const std::string&)>& wanted,
                                        std::size_t count) const {
  std::vector<OutputLine> all;
  for (const auto& [key, tail] : tails_) {
    if (!wanted(fmt::format("{}.{}", key.first.value(), key.second.value()))) continue;
    for (const OutputLine* line : tail->last(count)) all.push_back(*line);
  }
  std::sort(all.begin(), all.end(), [](const OutputLine& a, const OutputLine& b) { return a.time < b.time; });
  if (all.size() > count) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(count));
  return all;
}

std::uint64_t AppOutput::follow(Follower follower) {
  followers_.emplace(++last_follower_, std::move(follower));
  return last_follower_;
}

}  // namespace gracevisor::supervise
