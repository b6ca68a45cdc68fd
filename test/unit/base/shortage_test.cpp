#include "base/shortage.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace gracevisor;

TEST_CASE("shortage: want of descriptors and of memory is one, a refusal is none") {
  for (int code : {EMFILE, ENFILE, ENOMEM, ENOBUFS}) {
    CHECK(base::is_shortage(code));
    CHECK(base::is_dial_shortage(code));
  }
  CHECK_FALSE(base::is_shortage(EADDRNOTAVAIL));
  CHECK(base::is_dial_shortage(EADDRNOTAVAIL));
  for (int code : {0, ECONNREFUSED, EAGAIN, EACCES, ENOENT}) {
    CHECK_FALSE(base::is_shortage(code));
    CHECK_FALSE(base::is_dial_shortage(code));
  }
}

TEST_CASE("errors: the limit of the process and that of the machine are named") {
  CHECK(base::errno_text(EMFILE) == "Too many open files (EMFILE)");
  CHECK(base::errno_text(ENFILE).ends_with(" (ENFILE)"));
  CHECK(base::errno_text(ENOENT) == "No such file or directory");
}
