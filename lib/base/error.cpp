#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace gracevisor::base {

std::string errno_text(int code) {
  std::string text = std::generic_category().message(code);
  // The two are told apart by their names: one is this process's limit, the other the machine's.
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

}  // namespace gracevisor::base
