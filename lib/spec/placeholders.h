// The values of {port}, {socket}, {directory}, {app}, {slot} and {generation} for one spec. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/substitute.h"
#include "spec/spec.h"

namespace gracevisor::spec {

// For one incarnation. {port} and {socket} stay unknown when the placement has none.
[[nodiscard]] config::Values values_of(const Spec& spec, const Placement& placement);

// An arbitrary incarnation of the spec, for checking what all incarnations have in common.
[[nodiscard]] Placement sample_placement(const Spec& spec);

// Whether `text` (already known to be valid) reads differently from one incarnation to the next.
[[nodiscard]] bool varies(const Spec& spec, std::string_view text);

// config::substitute, with a specific error for a {port} or {socket} that the app's endpoint does not have;
// refuses NUL bytes.
[[nodiscard]] base::Expected<std::string> fill(std::string_view text, const config::Values& values);

}  // namespace gracevisor::spec
