#include "base/error.h"

#include <system_error>

namespace gracevisor::base {

std::string errno_text(int code) {
  return std::generic_category().message(code);
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
