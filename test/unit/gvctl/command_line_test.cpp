#include "gvctl/command_line.h"

#include <doctest/doctest.h>

#include "gvctl/commands.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::gvctl;

namespace {

CommandLine parsed(const std::vector<std::string>& arguments, const std::string& environment = "") {
  auto line = parse_command_line(arguments, environment);
  if (!line) {
    FAIL(line.error().text);
    return {};
  }
  return *line;
}

Ending refused(const std::vector<std::string>& arguments) {
  auto line = parse_command_line(arguments, "");
  return line ? Ending{-1, "accepted"} : line.error();
}

}  // namespace

TEST_CASE("command line: commands and their other names") {
  CHECK(parsed({"status"}).verb == Verb::status);
  CHECK(parsed({"ls"}).verb == Verb::status);
  CHECK(parsed({"ps", "web"}).selectors.size() == 1);
  CHECK(parsed({"deploy", "web", "api"}).selectors[1].app == "api");
  CHECK(parsed({"restart", "web"}).verb == Verb::deploy);
  CHECK(parsed({"deploy", "--no-wait", "web"}).no_wait);
  CHECK(parsed({"abort", "web"}).verb == Verb::abort);
  CHECK(parsed({"start", "all"}).verb == Verb::start);
  CHECK(parsed({"stop", "web"}).verb == Verb::stop);
  CHECK_FALSE(parsed({"stop", "web"}).now);
  CHECK(parsed({"stop", "--now", "web"}).now);
  CHECK(parsed({"tail", "web"}).verb == Verb::logs);
  CHECK(parsed({"shutdown"}).verb == Verb::shutdown);
  CHECK(parsed({"version"}).verb == Verb::version);
}

TEST_CASE("command line: logs takes selectors and says how much of them") {
  CommandLine line = parsed({"logs", "-f", "-n", "20", "web@43.1"});
  CHECK(line.logs.follow);
  CHECK(line.logs.lines == 20U);
  CHECK(line.selectors[0].instance() == "43.1");
  CHECK_FALSE(parsed({"logs", "web"}).logs.lines.has_value());
  CHECK(parsed({"logs", "-n0", "web"}).logs.lines == 0U);
  CHECK(parsed({"logs"}).selectors.empty());
  CHECK(parsed({"logs", "web", "api@4", "w*", "all"}).selectors.size() == 4);
  line = parsed(
      {"logs", "--since", "10m", "--until", "2026-11-29T19:01:02Z", "--grep", "a b", "--stderr", "-t"});
  CHECK(std::chrono::system_clock::now() - line.logs.since.value() < std::chrono::minutes(11));
  CHECK(std::chrono::system_clock::now() - line.logs.since.value() >= std::chrono::minutes(10));
  CHECK(line.logs.until == base::parse_rfc3339("2026-11-29T19:01:02Z"));
  CHECK(line.logs.grep == "a b");
  CHECK(line.logs.only_stderr);
  CHECK(line.logs.time);
  CHECK(parsed({"logs", "--daemon", "-f"}).logs.of == LogOptions::Of::daemon);
  CHECK(parsed({"logs", "--access", "web"}).logs.of == LogOptions::Of::access);
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"logs", "-n", "-1", "web"},
                                                {"logs", "-n", "x", "web"},
                                                {"logs", "-n", "9999999", "web"},
                                                {"logs", "--since", "x"},
                                                {"logs", "--until", "10"},
                                                {"logs", "--daemon", "web"},
                                                {"logs", "--daemon", "--access"},
                                                {"logs", "--daemon", "--stderr"},
                                                {"logs", "--access", "--stderr"},
                                                {"logs", "--access", "-f"},
                                                {"logs", "--access", "web@4"},
                                                {"logs", "-f", "--until", "10m"}}) {
    CHECK(refused(wrong).exit == 2);
  }
}

TEST_CASE("command line: global options stand before or behind the command") {
  CHECK(parsed({"--json", "status"}).json);
  CHECK(parsed({"status", "--json"}).json);
  CHECK(parsed({"--socket", "/x.sock", "status"}).socket == "/x.sock");
  CHECK(parsed({"status", "--socket=/x.sock"}).socket == "/x.sock");
  CHECK(parsed({"status"}, "/env.sock").socket == "/env.sock");
  CHECK(parsed({"--socket", "/x.sock", "status"}, "/env.sock").socket == "/x.sock");
  CHECK(parsed({"status"}).socket.empty());
}

TEST_CASE("command line: wrong usage exits with 2 and says what is wrong") {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"nonsense"},
                                                {"deploy"},
                                                {"stop"},
                                                {"abort"},
                                                {"abort", "web@43"},
                                                {"--bogus", "status"},
                                                {"status", "--now"},
                                                {"deploy", "web@43"},
                                                {"status", "web@43.1"},
                                                {"deploy", "@group"},
                                                {"--socket"},
                                                {"version", "web"}}) {
    Ending ending = refused(wrong);
    CAPTURE(ending.text);
    CHECK(ending.exit == 2);
    CHECK(ending.text.starts_with("gvctl: "));
  }
  CHECK(refused({"deploy", "web@43"}).text.find("takes whole apps, such as web") != std::string::npos);
}

TEST_CASE("command line: kill and signal take apps, generations and instances") {
  CHECK(parsed({"kill", "web", "api@4", "api@4.1"}).selectors[2].instance() == "4.1");
  CHECK(parsed({"kill", "all"}).verb == Verb::kill);
  CommandLine line = parsed({"signal", "--group", "HUP", "web@43.1", "--force"});
  CHECK(line.verb == Verb::signal);
  CHECK(line.word == "HUP");
  CHECK(line.group);
  CHECK(line.force);
  CHECK(line.selectors.at(0).instance() == "43.1");
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"kill"},
                                                {"kill", "web@0"},
                                                {"kill", "web@43."},
                                                {"kill", "web@43.1.1"},
                                                {"kill", "web@-1"},
                                                {"kill", "w*@43"},
                                                {"kill", "all@43"},
                                                {"kill", "web@99999999999999999999"},
                                                {"kill", "--now", "web"},
                                                {"signal", "HUP"},
                                                {"signal"}}) {
    CAPTURE(wrong.back());
    CHECK(refused(wrong).exit == 2);
  }
}

TEST_CASE("command line: scale takes an app and a number, which may look like an option") {
  for (const char* word : {"4", "+1", "-1", "0", "999999", "file"}) {
    CAPTURE(word);
    CommandLine line = parsed({"scale", "web", word});
    CHECK(line.verb == Verb::scale);
    CHECK(line.word == word);
    CHECK(line.selectors.at(0).app == "web");
    CHECK(parsed({"--json", "scale", "web", word, "--socket", "/x"}).socket == "/x");
  }
  CHECK(parsed({"scale", "web", "--", "-1"}).word == "-1");
  CHECK(parsed({"scale", "--json", "web", "-12"}).json);
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"scale"},
                                                {"scale", "web"},
                                                {"scale", "-1"},
                                                {"scale", "web", "-1", "api"},
                                                {"scale", "web", "4", "5"},
                                                {"scale", "web", "1000000"},
                                                {"scale", "web", "99999999999999999999"},
                                                {"scale", "web", "-"},
                                                {"scale", "web", "++1"},
                                                {"scale", "web", "1.5"},
                                                {"scale", "web", "4x"},
                                                {"scale", "web", ""},
                                                {"scale", "web", "files"},
                                                {"scale", "web@43", "4"},
                                                {"scale", "w*", "4"},
                                                {"scale", "all", "4"}}) {
    CAPTURE(wrong.back());
    CHECK(refused(wrong).exit == 2);
  }
  CHECK(refused({"scale", "web", "4x"}).text.find("\"4x\" is no number of instances") != std::string::npos);
}

TEST_CASE("command line: attach, wait, history, env and names") {
  CHECK(parsed({"attach", "web"}).verb == Verb::attach);
  CHECK_FALSE(parsed({"wait", "web"}).timeout.has_value());
  CHECK(parsed({"wait", "--timeout", "5s", "web", "api"}).timeout == base::Millis(5000));
  CHECK(parsed({"wait", "all"}).verb == Verb::wait);
  CHECK(parsed({"history", "web@43"}).selectors.at(0).generation == 43);
  CHECK(parsed({"env", "web", "--unmask"}).unmask);
  CHECK(parsed({"names", "--generations"}).generations);
  CHECK_FALSE(command_words().contains("names"));
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"attach"},
                                                {"attach", "all"},
                                                {"attach", "web", "api"},
                                                {"attach", "web@43"},
                                                {"wait"},
                                                {"wait", "web@43"},
                                                {"wait", "--timeout", "5", "web"},
                                                {"wait", "--timeout", "soon", "web"},
                                                {"wait", "--timeout", "-5s", "web"},
                                                {"wait", "--timeout"},
                                                {"history"},
                                                {"history", "w*"},
                                                {"history", "web@43.1"},
                                                {"env", "web@43"},
                                                {"env", "all"}}) {
    CAPTURE(wrong.back());
    CHECK(refused(wrong).exit == 2);
  }
}

TEST_CASE("command line: how far a deploy is followed") {
  CHECK(parsed({"deploy", "--until", "cutover", "web"}).until_cutover);
  CHECK(parsed({"deploy", "web", "--until=cutover"}).until_cutover);
  CHECK_FALSE(parsed({"deploy", "web"}).until_cutover);
  CHECK(parsed({"deploy", "--dry-run", "web"}).dry_run);
  CHECK(refused({"deploy", "--until", "done", "web"}).exit == 2);
  CHECK(refused({"reload", "--until", "cutover"}).exit == 2);
}

TEST_CASE("command line: an upgrade takes a program, and waits only where it is told to") {
  const CommandLine plain = parsed({"upgrade"});
  CHECK(plain.verb == Verb::upgrade);
  CHECK_FALSE(plain.to.has_value());
  CHECK_FALSE(plain.wait);
  CHECK_FALSE(plain.now);
  CHECK(plain.longest_wait == base::Millis(300000));
  const CommandLine all = parsed({"upgrade", "--to", "x", "--wait", "--timeout", "90s", "--now"});
  CHECK(all.to == "x");
  CHECK(all.wait);
  CHECK(all.now);
  CHECK(all.longest_wait == base::Millis(90000));
  // The daemon waits, not gvctl.
  CHECK_FALSE(all.timeout.has_value());
  CHECK(refused({"upgrade", "--timeout", "90s"}).what ==
        "upgrade: --timeout says how long --wait waits: give both");
  CHECK(refused({"upgrade", "--wait", "--timeout", "25h"}).what == "upgrade: --timeout is 24h at most");
  CHECK(refused({"upgrade", "--wait", "--timeout", "soon"}).exit == 2);
  CHECK(refused({"upgrade", "--to", ""}).what == "upgrade: --to takes the path of a gracevisord");
  CHECK(refused({"upgrade", "web"}).what == "upgrade takes no \"web\"");
}

TEST_CASE("command line: a configuration tells the socket instead of the environment") {
  CommandLine line = parsed({"-c", "/etc/g.toml", "status"}, "/env.sock");
  CHECK(line.config == "/etc/g.toml");
  CHECK(line.socket.empty());
  CHECK(parsed({"status", "--config=/g.toml"}).config == "/g.toml");
  CHECK(refused({"-c", "/etc/g.toml", "stauts"}).text.find("\"status\"") != std::string::npos);
  CHECK(refused({"-c"}).exit == 2);
}

TEST_CASE("command line: help and version are no errors") {
  CHECK(refused({"--help"}).exit == 0);
  CHECK(refused({"--help"}).text.find("deploy, restart") != std::string::npos);
  CHECK(refused({"deploy", "--help"}).exit == 0);
  CHECK(refused({"deploy", "--help"}).text.find("--no-wait") != std::string::npos);
  CHECK(refused({"--version"}).exit == 0);
  CHECK(refused({"--version"}).text == "gvctl " GV_VERSION "\n");
}

TEST_CASE("exit codes: a single app gives its own, of several a failure gives 8") {
  CHECK(combined({}) == 0);
  CHECK(combined({0, 0}) == 0);
  CHECK(combined({10}) == 10);
  CHECK(combined({10, 10}) == 8);
  CHECK(combined({0, 10}) == 8);
  CHECK(combined({10, 11}) == 8);
}

TEST_CASE("manual page and completions: they know every command and every option") {
  for (const char* file : {"gvctl.1", "gvctl.bash", "gvctl.zsh", "gvctl.fish"}) {
    std::string text = test::content_of(std::filesystem::path(GV_GVCTL_SOURCE) / file);
    // The page writes "-" as "\-".
    for (auto at = text.find("\\-"); at != std::string::npos; at = text.find("\\-", at)) text.erase(at, 1);
    CAPTURE(file);
    REQUIRE_FALSE(text.empty());
    for (const auto& [command, options] : command_words()) {
      CAPTURE(command);
      CHECK(text.find(command) != std::string::npos);
      for (const std::string& option : options) {
        CAPTURE(option);
        bool fish = std::string_view(file).ends_with(".fish");
        CHECK(text.find(fish ? "-l " + option.substr(2) : option) != std::string::npos);
      }
    }
  }
}

TEST_CASE("usage errors: they name the command, the word, and what may have been meant") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"status", "--watc"}, "status has no option --watc (did you mean --watch?)"},
      {{"deploy", "--same", "web"}, "deploy has no option --same"},
      {{"shutdown", "now"}, "shutdown takes no \"now\""},
      {{"logs", "--since"}, "--since needs a value"},
      {{"scale", "web=2"}, "scale needs N: gvctl scale --help"},
      {{"deploy"}, "deploy needs APP: gvctl deploy --help"},
      {{"status", "web:1"},
       "\"web:1\" selects nothing: an instance is web@GENERATION.SLOT: gvctl status web"},
  };
  for (const auto& [words, text] : cases) {
    const Ending ending = refused(words);
    CHECK(ending.exit == 2);
    CHECK(ending.text == "gvctl: " + text + "\nRun gvctl --help for more information.\n");
  }
}

TEST_CASE("usage: what is out of range, or given twice, is said in plain words") {
  const auto refusal = [](const std::vector<std::string>& words) {
    const auto line = parse_command_line(words, "");
    return line ? std::string("accepted") : line.error().what;
  };
  CHECK(refusal({"logs", "-n", "100001", "web"}) == "--lines takes 0 to 100000");
  CHECK(refusal({"deploy", "--until", "end", "web"}) == "--until takes cutover");
  CHECK(refusal({"--socket", "a", "--socket", "b", "status"}) == "--socket is given more than once");
  CHECK(refusal({"status", "--verbose=x"}) == "--verbose takes no value");
  CHECK(refusal({"--json=x", "status"}) == "--json takes no value");
  CHECK(refusal({"logs", "--since"}) == "--since needs a value");
}

TEST_CASE("numbers behind a hyphen: fewer instances, and lines of logs") {
  const auto logs = parse_command_line({"logs", "-100", "web"}, "");
  REQUIRE(logs.has_value());
  CHECK(logs->logs.lines == 100);
  const auto scale = parse_command_line({"scale", "web", "-1"}, "");
  REQUIRE(scale.has_value());
  CHECK(scale->word == "-1");
}
