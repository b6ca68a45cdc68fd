// The table of descriptors that outlive a daemon, by name. Thread: the keeper's only one.
#pragma once

#include "keeper/protocol.h"

namespace gracevisor::keeper {

struct Held {
  Name name;  // empty: not in use
  int fd;
};

class Names {
 public:
  // `ok`: the descriptor is the table's from now on. Otherwise busy or no_room.
  [[nodiscard]] Code hold(const Name& name, int fd);
  // Closes the keeper's descriptor. ok or unknown.
  [[nodiscard]] Code release(const Name& name);
  // The first one in use from this number on, and its number.
  [[nodiscard]] const Held* from(std::uint32_t number, std::uint32_t& found) const;
  // Null: there is none.
  [[nodiscard]] const Held* find(const Name& name) const { return find(name.text); }
  [[nodiscard]] std::uint32_t count() const { return used_; }

 private:
  [[nodiscard]] const Held* find(const char* text) const;

  Held all_[kMostNames] = {};
  std::uint32_t end_ = 0;  // none from here on was ever used
  std::uint32_t used_ = 0;
};

}  // namespace gracevisor::keeper
