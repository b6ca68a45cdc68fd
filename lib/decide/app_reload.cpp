// What a reload does to an app without a deploy: its settings change, or it is removed.
#include <cassert>

#include "decide/app.h"

namespace gracevisor::decide {

void App::adjust(spec::SpecRef spec) {
  assert(!deploy_ && live_ != nullptr);
  live_->adjust(std::move(spec));
  record();
  effects_.publish();
  advance();
}

void App::remove(std::shared_ptr<Report> report) {
  assert(!deploy_);
  remember(report, live_);
  report->add(knowledge_.now(), "remove", live_ != nullptr ? live_->name() : name_);
  wanted_ = false;
  stopped_.reset();
  removing_ = true;
  for (auto& generation : generations_) {
    generation->leave(false);
    generation->release();
  }
  record();
  waits_.push_back({Wait::For::removed, std::move(report)});
  effects_.publish();
  advance();
}

}  // namespace gracevisor::decide
