// The position of something in a file: for messages, and for naming both files of a conflict. Thread: values,
// any thread.
#pragma once

#include <string>

namespace gracevisor::config {

struct Source {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
};

}  // namespace gracevisor::config
