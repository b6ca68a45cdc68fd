#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace gracevisor::base {

std::string errno_text(int code) {
  // glibc's own table: it needs no descriptor or locale, and any thread may read it.
  const char* description = ::strerrordesc_np(code);
  std::string text = description != nullptr ? description : "Unknown error " + std::to_string(code);
  // The name tells the two apart: one is this process's limit, the other the machine's.
  if (code == EMFILE) text += " (EMFILE)";
  if (code == ENFILE) text += " (ENFILE)";
  return text;
}

Error system_error(std::string_view doing, int code) {
  return Error{std::string(doing) + ": " + errno_text(code), code};
}

std::unexpected<Error> fail(std::string_view what) {
  return std::unexpected(Error{std::string(what), 0});
}

std::unexpected<Error> fail_errno(std::string_view doing, int code) {
  return std::unexpected(system_error(doing, code));
}

std::unexpected<Error> fail_at(std::string_view where, const Error& cause) {
  return std::unexpected(Error{std::string(where) + ": " + cause.what, cause.code});
}

}  // namespace gracevisor::base
