// gracevisor.toml(5) and the table of keys say the same.
#include <doctest/doctest.h>

#include <cctype>
#include <string>

#include "config/config.h"
#include "config/describe.h"
#include "config/identity.h"
#include "config/keys.h"
#include "support/manual_page.h"

namespace gracevisor::config {
namespace {

using gracevisor::test::roff;

std::string sentence(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + (text.ends_with('.') ? "" : ".");
}

std::string manual(const Section& section) {
  std::string out = ".SS [" + roff(section.path) + "]\n";
  if (!section.comment.empty()) out += roff(sentence(std::string(section.comment))) + "\n";
  for (const Line& line : section.lines) {
    if (line.text.empty() && line.key.example.empty()) continue;  // a name reserved for later
    out += ".TP\n\\fB" + roff(line.key.name) + "\\fR";
    out += line.text.empty() ? ", such as " + roff(line.key.example) : " = " + roff(line.text);
    out += "\n" + roff(sentence(line.kind));
    if (!line.key.comment.empty()) out += "\n" + roff(sentence(std::string(line.key.comment)));
    out += "\n";
  }
  for (const Section& inner : section.sections) out += manual(inner);
  return out;
}

}  // namespace

TEST_CASE("manual: gracevisor.toml(5) has every key with its default, and no other") {
  Daemon daemon;
  daemon.runtime_dir = root_identity().runtime_dir;
  daemon.state_dir = root_identity().state_dir;
  const std::string keys =
      manual(describe("daemon", {}, daemon)) +
      manual(describe("listen.NAME", "A listener that apps share by host and path", Listener{})) +
      manual(describe("app.NAME", {}, App{}));
  // On failure: the left side is what belongs between the two remarks.
  CHECK(keys == gracevisor::test::table_of("gracevisord/gracevisor.toml.5", "lib/config/keys.h"));
}

}  // namespace gracevisor::config
