// What a message's Connection fields say (RFC 9110 section 7.6.1), and which fields end at this hop.
// Internal to http/. Thread: values.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/fields.h"

namespace gracevisor::http {

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  std::size_t nominated = 0;  // names of fields, but for those whose way is known anyway

  // Takes one more Connection field's value into account.
  void add(std::string_view value) noexcept;
  // More are refused: each costs a comparison with every field.
  [[nodiscard]] bool too_many() const noexcept { return nominated > 32; }
};

// Is `name` a member of the list, as it stands there, without parameters? Case-insensitive.
[[nodiscard]] bool has_member(std::string_view value, std::string_view name) noexcept;

// Does a Connection field of the message name this one, and is it not one that nobody may nominate away
// (routing, framing, identity, security)?
[[nodiscard]] bool nominated_away(const Fields& fields, const Field& field) noexcept;

// Connection itself and the fields that end at every hop whether nominated or not; the framing fields too,
// because framing is written anew.
[[nodiscard]] bool ends_at_every_hop(FieldName name) noexcept;

}  // namespace gracevisor::http
