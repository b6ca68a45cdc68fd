#include "gvctl/unknown_command.h"

#include <doctest/doctest.h>

#include "gvctl/command_line.h"

using namespace gracevisor::gvctl;

namespace {

Ending refused(const std::vector<std::string>& arguments) {
  auto line = parse_command_line(arguments, "");
  return line ? Ending{-1, "accepted"} : line.error();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("unknown command: the words of other tools are answered with ours, or as not in this version") {
  const auto known = command_words();
  for (const char* word :
       {"reread",  "update",   "add",    "remove", "delete", "rollback", "fg",     "list",
        "info",    "describe", "config", "top",    "monit",  "events",   "run",    "enable",
        "disable", "reopen",   "flush",  "drain",  "quit",   "exit",     "log",    "exec",
        "l",       "jlist",    "boot",   "avail",  "pid",    "save",     "startup"}) {
    INFO(word);
    CHECK_FALSE(known.contains(word));
    Ending ending = refused({word, "web"});
    CHECK(ending.exit == 2);
    CHECK(ending.text.starts_with("gvctl: no command \"" + std::string(word) + "\": "));
    CHECK((has(ending.text, "gvctl ") || has(ending.text, "gracevisord") ||
           has(ending.text, "not in this version") || has(ending.text, "SIGUSR1") ||
           has(ending.text, "configuration") || has(ending.text, "nothing has to be")));
  }
  CHECK(has(refused({"reread"}).text, "gvctl reload"));
  CHECK(has(refused({"describe"}).text, "gvctl show"));
  CHECK(has(refused({"info"}).text, "gvctl show"));
}

TEST_CASE("unknown command: a typo is answered with what was probably meant") {
  CHECK(refused({"stauts"}).text.starts_with("gvctl: no command \"stauts\" (did you mean \"status\"?)\n"));
  CHECK(refused({"--json", "deplyo", "web"})
            .text.starts_with("gvctl: no command \"deplyo\" (did you mean \"deploy\"?)\n"));
  CHECK(refused({"--socket", "/x", "relaod"})
            .text.starts_with("gvctl: no command \"relaod\" (did you mean \"reload\"?)\n"));
  CHECK(refused({"xyzzy"}).text.starts_with("gvctl: no command \"xyzzy\"\n"));
}

TEST_CASE("unknown command: without any there is the help, and help explains a command") {
  Ending nothing = refused({});
  CHECK(nothing.exit == 2);
  CHECK(has(nothing.text, "deploy"));
  CHECK(has(nothing.text, "Exit codes:"));
  Ending all = refused({"help"});
  CHECK(all.exit == 0);
  CHECK(has(all.text, "reload"));
  Ending one = refused({"help", "reload"});
  CHECK(one.exit == 0);
  CHECK(has(one.text, "--dry-run"));
  CHECK(refused({"help", "stauts"}).exit == 2);
  CHECK(has(refused({"help", "stauts"}).text, "did you mean \"status\"?"));
}
