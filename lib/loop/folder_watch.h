// Tells that something happened in a folder (inotify): a file was made, changed, renamed or removed. A hint:
// the kernel may lose events, and nothing is told of another folder that takes the path. Thread: the loop's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "loop/loop.h"

namespace gracevisor::loop {

class FolderWatch {
 public:
  // Watches the folder that has the path now. Events come with the name of a file in it, or of the folder
  // itself; empty: not known.
  [[nodiscard]] static base::Expected<std::unique_ptr<FolderWatch>> create(
      Loop& loop, const std::filesystem::path& folder, std::function<void(const std::string&)> on_event);

 private:
  explicit FolderWatch(std::function<void(const std::string&)> on_event) : on_event_(std::move(on_event)) {}

  std::function<void(const std::string&)> on_event_;
  HandlePtr<uv_fs_event_s> handle_;
};

}  // namespace gracevisor::loop
