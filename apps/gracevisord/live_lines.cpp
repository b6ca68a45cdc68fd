#include "live_lines.h"

#include <chrono>
#include <utility>

#include "control/answers.h"
#include "control/messages.h"

namespace gracevisor::daemon {
namespace {

constexpr std::chrono::milliseconds kEach(500);

}  // namespace

LiveLines::LiveLines(loop::Loop& loop, Progress progress)
    : progress_(std::move(progress)), timer_(loop, [this] { tell(); }) {}

void LiveLines::add(std::shared_ptr<const decide::Report> report,
                    const std::shared_ptr<serve::Response>& response) {
  if (report->finished()) return;
  if (watchers_.empty()) timer_.start(kEach);
  watchers_.push_back({std::move(report), response});
}

void LiveLines::tell() {
  std::erase_if(watchers_, [this](Watcher& watcher) {
    const std::shared_ptr<serve::Response> response = watcher.response.lock();
    if (response == nullptr || !response->open() || watcher.report->finished()) return true;
    std::string text = progress_(*watcher.report);
    if (!text.empty() && text != watcher.last) {
      control::ReportLine line;
      line.phase = control::kLivePhase;
      line.text = text;
      control::send_line(*response, control::to_json(line));
    }
    watcher.last = std::move(text);
    return false;
  });
  if (!watchers_.empty()) timer_.start(kEach);
}

}  // namespace gracevisor::daemon
