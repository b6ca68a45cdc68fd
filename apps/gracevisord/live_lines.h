// What commands under way are doing at this moment, for the clients that follow their reports and watch:
// lines with the phase "live", twice a second if the text has changed. They are no part of the report.
// Thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "decide/report.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "serve/response.h"

namespace gracevisor::daemon {

class LiveLines {
 public:
  // What the command that reports there is doing; empty: nothing to tell.
  using Progress = std::function<std::string(const decide::Report&)>;

  LiveLines(loop::Loop& loop, Progress progress);

  // The client of this response gets live lines until the report is finished or the client has gone.
  void add(std::shared_ptr<const decide::Report> report, const std::shared_ptr<serve::Response>& response);

 private:
  struct Watcher {
    std::shared_ptr<const decide::Report> report;
    std::weak_ptr<serve::Response> response;
    std::string last = {};  // told
  };
  void tell();

  Progress progress_;
  std::vector<Watcher> watchers_;
  loop::Timer timer_;
};

}  // namespace gracevisor::daemon
