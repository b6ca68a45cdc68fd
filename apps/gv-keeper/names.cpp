#include "names.h"

#include <unistd.h>

#include <cstring>

namespace gracevisor::keeper {

// An empty name finds room.
const Held* Names::find(const char* text) const {
  for (std::uint32_t i = 0; i < end_; ++i) {
    if (std::strcmp(all_[i].name.text, text) == 0) return &all_[i];
  }
  return nullptr;
}

Code Names::hold(const Name& name, int fd) {
  if (find(name.text) != nullptr) return Code::busy;
  const Held* gap = find("");
  if (gap == nullptr && end_ == kMostNames) return Code::no_room;
  Held& room = all_[gap != nullptr ? gap - all_ : end_++];
  room.name = name;
  room.fd = fd;
  ++used_;
  return Code::ok;
}

Code Names::release(const Name& name) {
  const Held* held = find(name);
  if (held == nullptr) return Code::unknown;
  (void)::close(held->fd);
  all_[held - all_] = Held{};
  --used_;
  return Code::ok;
}

const Held* Names::from(std::uint32_t number, std::uint32_t& found) const {
  for (found = number; found < end_; ++found) {
    if (all_[found].name.text[0] != '\0') return &all_[found];
  }
  return nullptr;
}

}  // namespace gracevisor::keeper
