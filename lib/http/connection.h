// What a message's Connection fields say (RFC 9110 section 7.6.1), and which fields end at this hop.
// Internal to http/. Thread: values.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "http/fields.h"

namespace gracevisor::http {

struct ConnectionOptions {
  // More nominated fields than this are refused: each costs a comparison with every field.
  static constexpr std::size_t kMaxNominated = 32;

  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool too_many = false;
  std::size_t nominated_count = 0;
  std::array<std::string_view, kMaxNominated>
      nominated;  // fields that end here; those known to anyway are not

  // Takes one more Connection field's value into account.
  void add(std::string_view value) noexcept;

  // Is the field nominated, and not one that nobody may nominate away (routing, framing, identity, security)?
  [[nodiscard]] bool removes(const Field& field) const noexcept;
};

// From all Connection fields of a message.
[[nodiscard]] ConnectionOptions connection_options(const Fields& fields) noexcept;

// Connection itself and the fields that end at every hop whether nominated or not; the framing fields too,
// because framing is written anew.
[[nodiscard]] bool ends_at_every_hop(FieldName name) noexcept;

}  // namespace gracevisor::http
