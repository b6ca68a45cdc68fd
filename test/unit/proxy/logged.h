// A worker that writes access logs, and a reader of their lines in the writer's place. Thread: the test's.
#pragma once

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <map>
#include <sstream>
#include <string>

#include "support/proxy_rig.h"

namespace gracevisor::test {

using Json = nlohmann::json;

// The writer's part: takes the batches of one worker and reads their lines.
class Lines {
 public:
  explicit Lines(ProxyRig& rig) : lane_(rig.port().access) {}

  // The next line of the file.
  Json next(const std::string& path = "/app.log") {
    std::deque<std::string>& lines = lines_[path];
    CHECK(eventually([&] {
      take();
      return !lines.empty();
    }));
    if (lines.empty()) return Json::object();
    std::string line = lines.front();
    lines.pop_front();
    CAPTURE(line);
    Json parsed = Json::parse(line, nullptr, false);
    REQUIRE(parsed.is_object());
    return parsed;
  }
  [[nodiscard]] bool none() {
    take();
    return std::all_of(lines_.begin(), lines_.end(), [](const auto& file) { return file.second.empty(); });
  }

 private:
  void take() {
    while (auto batch = lane_.filled.pop()) {
      std::istringstream text(batch->text);
      for (std::string line; std::getline(text, line);) lines_[batch->to.path].push_back(line);
      lane_.taken.add(batch->text.size());
      batch->text.clear();
      (void)lane_.spent.push(std::move(*batch));
    }
  }
  routing::AccessLane& lane_;
  std::map<std::string, std::deque<std::string>> lines_;
};

struct Logged {
  FakeApp app{base::GenerationId(7)};
  ProxyRig rig;
  Lines lines{rig};
  Logged() {
    rig.web.mode = routing::AppMode::live;
    rig.web.targets = {app.endpoint()};
    rig.web.access = routing::access_sink("/app.log", {});
    rig.access = routing::access_sink("/listener.log", {});
    rig.publish();
  }
  // The app's end of a connection, with a request read from it.
  Peer serve() {
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    return side;
  }
};

inline bool without(const Json& line, std::initializer_list<const char*> keys) {
  return std::none_of(keys.begin(), keys.end(), [&](const char* key) { return line.contains(key); });
}

}  // namespace gracevisor::test
