// A holder that is a map: what the keeper does for a daemon.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <utility>

#include "base/holder.h"

namespace gracevisor::test {

class Shelf final : public base::Holder {
 public:
  void hold(const std::string& name, int fd) override {
    auto copy = base::duplicate(fd);
    REQUIRE(copy.has_value());
    held_[name] = std::move(*copy);
  }
  void release(const std::string& name) override { held_.erase(name); }
  [[nodiscard]] base::UniqueFd take(const std::string& name) override {
    const auto found = held_.find(name);
    if (found == held_.end()) return {};
    auto copy = base::duplicate(found->second.get());
    REQUIRE(copy.has_value());
    return std::move(*copy);
  }
  [[nodiscard]] bool left_to_others() const override { return true; }

 private:
  std::map<std::string, base::UniqueFd> held_;
};

}  // namespace gracevisor::test
