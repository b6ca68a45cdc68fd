// gracevisor.toml(5) and the table of keys say the same.
#include <doctest/doctest.h>

#include <cctype>
#include <string>

#include "config/config.h"
#include "config/daemon_user.h"
#include "config/describe.h"
#include "config/keys.h"
#include "support/manual_page.h"

namespace gracevisor::config {
namespace {

using gracevisor::test::roff;

std::string sentence(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + (text.ends_with('.') ? "" : ".");
}

// What a change of the key needs beyond a reload.
std::string needs(Takes takes) {
  if (takes == Takes::deploy) return "A change takes a deploy.\n";
  if (takes == Takes::daemon || takes == Takes::stop_start)
    return "A change takes a restart of the daemon.\n";
  return "";
}

std::string mark(bool later) {
  return later ? " (later)" : "";
}

std::string manual(const Section& section) {
  std::string out = ".SS [" + roff(section.path) + "]" + mark(section.later) + "\n";
  if (!section.comment.empty()) out += roff(sentence(std::string(section.comment))) + "\n";
  for (const Line& line : section.lines) {
    if (line.text.empty() && line.key.example.empty()) continue;  // short forms and long ones share a row
    out += ".TP\n\\fB" + roff(line.key.name) + "\\fR";
    out += line.text.empty() ? ", such as " + roff(line.key.example) : " = " + roff(line.text);
    out += mark(line.later) + "\n" + roff(sentence(line.kind));
    if (!line.key.comment.empty()) out += "\n" + roff(sentence(std::string(line.key.comment)));
    out += "\n" + needs(line.key.takes);
  }
  for (const Section& inner : section.sections) out += manual(inner);
  return out;
}

}  // namespace

TEST_CASE("manual: gracevisor.toml(5) has every key with its default, and no other") {
  Daemon daemon;
  daemon.runtime_dir = root_user().runtime_dir;
  daemon.state_dir = root_user().state_dir;
  const std::string keys =
      manual(describe("daemon", {}, daemon)) +
      manual(describe("listen.NAME", "A listener that apps share by host and path", Listener{})) +
      manual(describe("app.NAME", {}, App{}));
  // On failure: the left side is what belongs between the two remarks.
  CHECK(keys == gracevisor::test::table_of("gracevisord/gracevisor.toml.5", "lib/config/keys.h"));
}

}  // namespace gracevisor::config
