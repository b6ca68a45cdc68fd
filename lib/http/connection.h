// What a message's Connection fields say (RFC 9110 section 7.6.1), and which fields end at this hop.
// Internal to http/. Thread: any; values.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/fields.h"

namespace gracevisor::http {

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  std::size_t nominated = 0;  // names of fields, except those whose handling is fixed anyway

  // Takes one more Connection field's value into account.
  void add(std::string_view value) noexcept;
  // More than this is refused: each costs a comparison with every field.
  [[nodiscard]] bool too_many() const noexcept { return nominated > 32; }
};

// Is `name` a member of the list exactly, without parameters? Case-insensitive.
[[nodiscard]] bool has_member(std::string_view value, std::string_view name) noexcept;

// Does the value of an Upgrade field name HTTP/2 over TCP, with any version ("/") or parameter (";") after
// it? Requests inside HTTP/2 would bypass routing and every rule here, so the name does not pass in either
// direction; this upgrade is deprecated (RFC 9113 section 3.1).
[[nodiscard]] bool names_h2c(std::string_view upgrade) noexcept;

// Does a Connection field of the message name this field, and may the field be nominated away? (Fields for
// routing, framing, identity and security may not.)
[[nodiscard]] bool nominated_away(const Fields& fields, const Field& field) noexcept;

// Connection itself and the fields that end at every hop whether nominated or not; also the framing fields,
// because framing is rewritten.
[[nodiscard]] bool ends_at_every_hop(FieldName name) noexcept;

}  // namespace gracevisor::http
