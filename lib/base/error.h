// Errors as values: what was being done, and the cause. Anything that can fail at run time returns Expected;
// exceptions exist only before the loops run. Thread: values, any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace gracevisor::base {

struct Error {
  std::string what;  // a whole sentence without its full stop: "cannot bind 0.0.0.0:80: Permission denied"
  int code = 0;      // errno if there is one, else 0
};

template <class T>
using Expected = std::expected<T, Error>;

// An Error with errno's text appended: system_error("cannot open /x", ENOENT).
[[nodiscard]] Error system_error(std::string_view doing, int code);

// The same, ready to return from a function that returns Expected.
[[nodiscard]] std::unexpected<Error> fail(std::string_view what);
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view doing, int code);

// "app.web.command: " and the cause, with its code.
[[nodiscard]] std::unexpected<Error> fail_at(std::string_view where, const Error& cause);

// The text of an errno value; thread-safe.
[[nodiscard]] std::string errno_text(int code);

}  // namespace gracevisor::base
