#include "loop/folder_watch.h"

#include "loop/handle.h"

namespace gracevisor::loop {

base::Expected<std::unique_ptr<FolderWatch>> FolderWatch::create(
    Loop& loop, const std::filesystem::path& folder, std::function<void(const std::string&)> on_event) {
  std::unique_ptr<FolderWatch> watch(new FolderWatch(std::move(on_event)));
  auto handle = std::make_unique<uv_fs_event_t>();
  if (int r = uv_fs_event_init(loop.raw(), handle.get()); r != 0) {
    return std::unexpected(uv_error("cannot watch folders", r));
  }
  watch->handle_.reset(handle.release());
  watch->handle_->data = watch.get();
  const auto on_change = [](uv_fs_event_t* h, const char* name, int /*events*/, int /*status*/) {
    if (h->data == nullptr) return;
    // A copy: the owner may destroy the watch in its callback.
    auto call = static_cast<FolderWatch*>(h->data)->on_event_;
    call(name == nullptr ? "" : name);
  };
  if (int r = uv_fs_event_start(watch->handle_.get(), on_change, folder.c_str(), 0); r != 0) {
    return std::unexpected(uv_error("cannot watch " + folder.string(), r));
  }
  // It alone keeps no loop running.
  uv_unref(reinterpret_cast<uv_handle_t*>(watch->handle_.get()));
  return watch;
}

}  // namespace gracevisor::loop
