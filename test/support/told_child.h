// A script's child, whose pid it tells in a line "child PID". Thread: the test's.
#pragma once

#include <doctest/doctest.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "support/temp_folder.h"
#include "support/wait.h"

namespace gracevisor::test {

// The one that it told of last in its log.
inline pid_t told_child(const std::filesystem::path& log) {
  constexpr std::string_view kWord = "child ";
  pid_t child = 0;
  const bool told = wait_until([&] {
    const std::string text = content_of(log);
    const std::size_t at = text.rfind(kWord);
    if (at == std::string::npos || text.find('\n', at) == std::string::npos) return false;
    child = std::stoi(text.substr(at + kWord.size()));
    return true;
  });
  REQUIRE(told);
  return child;
}

}  // namespace gracevisor::test
