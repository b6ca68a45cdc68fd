// The proxy's own answers and the cuts that it makes: each has one of the reasons of http/reasons.h, and with
// it a status, a token and a sentence. Thread: pure functions.
#pragma once

#include <string>

#include "http/reasons.h"

namespace gracevisor::proxy {

using Reply = http::Reason;

// Tells the client which rule was broken. If its own request broke it, the message also says where; what an
// app sends is not disclosed to clients.
[[nodiscard]] std::string message_of(const http::Refusal& why);

}  // namespace gracevisor::proxy
