// Turns what llhttp recorded into what a head means for an intermediary. Internal to http/. Thread: pure
// functions on the caller's objects.
#pragma once

#include <llhttp.h>

#include <optional>

#include "http/head.h"
#include "http/head_parser.h"

namespace gracevisor::http {

// `head.fields` is already filled; sets everything else. `head` is reused and may hold any earlier content.
[[nodiscard]] std::optional<Refusal> understand_request(HeadParser& parser, RequestHead& head);
// The same; `method` is the request's.
[[nodiscard]] std::optional<Refusal> understand_response(HeadParser& parser, Method method,
                                                         ResponseHead& head);

}  // namespace gracevisor::http
