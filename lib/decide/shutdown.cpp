#include "decide/shutdown.h"

namespace gracevisor::decide {

Shutdown::Steps Shutdown::hurry(Step step) {
  stage_ = Stage::stopping;
  hurried_ = true;
  return {step};
}

Shutdown::Steps Shutdown::stop() {
  switch (stage_) {
    case Stage::serving: stage_ = Stage::closing; return {Step::close};
    case Stage::closing: return hurry(Step::signal);
    case Stage::stopping: return hurry(hurried_ ? Step::kill : Step::signal);
    case Stage::over: return {};
  }
  return {};
}

Shutdown::Steps Shutdown::expired() {
  switch (stage_) {
    case Stage::closing: return hurry(Step::signal);
    case Stage::stopping: return hurry(Step::kill);
    case Stage::serving:
    case Stage::over: return {};
  }
  return {};
}

Shutdown::Steps Shutdown::advance(const Seen& seen) {
  switch (stage_) {
    case Stage::closing:
      if (!seen.closed) return {};
      if (!seen.idle) return {Step::end_listeners};
      stage_ = Stage::stopping;
      return {Step::end_listeners, Step::drain};
    case Stage::stopping:
      // The apps are no longer needed for what clients still have to take.
      if (!seen.ended || (seen.unsent && !hurried_)) return {};
      stage_ = Stage::over;
      return {Step::finish};
    case Stage::serving:
    case Stage::over: return {};
  }
  return {};
}

}  // namespace gracevisor::decide
