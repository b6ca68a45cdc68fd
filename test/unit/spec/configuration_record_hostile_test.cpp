// Records that no daemon has written.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/files.h"
#include "configuration_sample.h"
#include "spec/configuration_record.h"
#include "spec/state_json.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::spec;

namespace {

// The same number each time: the tests are to do the same each time.
class Numbers {
 public:
  std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state_ >> 33U) % bound;
  }

 private:
  std::uint64_t state_ = 1;
};

// The sample without most of its places and trees, so that every single value can be looked at.
Json small_sample(const test::TempFolder& folder) {
  Json json = Json::parse(test::text_of(test::sample_config(folder)));
  Json& config = json["config"];
  config["places"] = Json::array({config["places"][0]});
  Json& tree = config["trees"][0]["tree"];
  tree = Json::array({tree[0]});
  return json;
}

std::vector<std::string> places_in(const Json& json) {
  std::vector<std::string> paths;
  const Json flat = json.flatten();
  for (const auto& [path, value] : flat.items()) paths.push_back(path);
  return paths;
}

// Read, it is an error of one line, or something that is written and read again the same.
void check_judged(const std::string& text) {
  auto record = configuration_from_text(text);
  if (!record) {
    CHECK_FALSE(record.error().what.empty());
    CHECK(record.error().what.size() < 1000);
    CHECK(record.error().what.find('\n') == std::string::npos);
    return;
  }
  auto once = to_text(record->config, record->file, record->when);
  REQUIRE(once.has_value());
  auto again = configuration_from_text(*once);
  REQUIRE_MESSAGE(again.has_value(), again.error().what);
  CHECK(to_text(again->config, again->file, again->when).value() == *once);
}

}  // namespace

TEST_CASE("configuration record: trees nest no deeper than files") {
  test::TempFolder folder;
  Json json = Json::parse(test::text_of(test::sample_config(folder)));
  json["config"]["trees"][0]["tree"] = "HERE";
  const std::string text = json.dump();
  const auto nested = [&](std::size_t depth) {
    std::string tree = R"([["k",1,1,)";
    for (std::size_t i = 1; i < depth; ++i) tree += "[1,1,[";
    tree += R"([1,1,"x"])";
    for (std::size_t i = 1; i < depth; ++i) tree += "]]";
    return test::error_of(std::string(text).replace(text.find("\"HERE\""), 6, tree + "]]"));
  };
  CHECK(nested(561) == "");
  CHECK(nested(562).starts_with("config.trees[0].tree[0][3][2][0][2]"));
  CHECK(nested(20000).ends_with(" is damaged"));
}

TEST_CASE("configuration record: what is cut off at any place is an error") {
  test::TempFolder folder;
  const std::string whole = test::text_of(test::sample_config(folder));
  REQUIRE(test::error_of(whole).empty());
  for (std::size_t length = 0; length + 2 <= whole.size(); length += 1 + length / 128) {
    CHECK_FALSE(test::error_of(whole.substr(0, length)).empty());
  }
  CHECK_FALSE(test::error_of(whole.substr(0, whole.size() - 2)).empty());
}

TEST_CASE("configuration record: any value of a wrong type is an error with its path") {
  test::TempFolder folder;
  Json json = small_sample(folder);
  for (const std::string& path : places_in(json)) {
    // A tree may have a value of any type.
    if (path == "/version" || path.ends_with("/hex") || path.starts_with("/config/trees/")) continue;
    CAPTURE(path);
    Json& place = json[Json::json_pointer(path)];
    const Json before = std::exchange(place, place.is_number() ? Json("text") : Json(3.5));
    const std::string error = test::error_of(json.dump());
    const bool whole = path == "/file" || path == "/when";
    CHECK(error.starts_with(whole ? path.substr(1) : "config."));
    CHECK(error.ends_with(" is damaged"));
    place = before;
  }
}

TEST_CASE("configuration record: values that no file could give are errors with their paths") {
  test::TempFolder folder;
  const Json good = Json::parse(test::text_of(test::sample_config(folder)));
  struct Case {
    const char* at;  // below config
    Json value;
    const char* error;
  };
  const Case cases[] = {
      {"daemon/workers", 257, "config.daemon.workers: 257 is out of range (allowed: 1 to 256)"},
      {"daemon/runtime_dir", "r", "config.daemon.runtime_dir: is not absolute"},
      {"daemon/state_dir", "", "config.daemon.state_dir: expected a path, found ''"},
      {"daemon/state_dir", std::string("/s\0", 3), "config.daemon.state_dir: a NUL character is not allowed"},
      {"daemon/port_range", Json{{"first", 0}, {"last", 9}},
       "config.daemon.port_range: expected a range of ports from 1 to 65535 such as '20000-29999', found "
       "'0-9'"},
      {"daemon/port_range/last", 65536, "config.daemon.port_range.last is damaged"},
      {"daemon/shutdown_timeout", 86'400'001,
       "config.daemon.shutdown_timeout: \"86400001ms\" is not \"auto\" or a duration, 0s to 1d"},
      {"daemon/upgrade_drain_timeout", 2'592'000'001,
       "config.daemon.upgrade_drain_timeout: \"2592000001ms\" is not a duration, 0s to 30d"},
      {"daemon/max_starts", 0, "config.daemon.max_starts: 0 is not \"auto\" or an integer, 1 to 10000"},
      {"daemon/operator_group", "a b", "config.daemon.operator_group: expected a group's name, found 'a b'"},
      {"daemon/autodiscover", "", "config.trees and config.daemon.autodiscover contradict each other"},
      {"daemon/log/level", "loud", "config.daemon.log.level is damaged"},
      {"daemon/log/file", "d.log", "config.daemon.log.file: is not as a configuration has it"},
      {"daemon/log/max_size", 1, "config.daemon.log.max_size: \"1B\" is not a size, 1KiB to 1TiB"},
      {"listeners/0/name", "../x", "config.listeners[0].name: no listener can have it"},
      {"listeners/0/name", "*:8080", "config.listeners[0].name: no listener can have it"},
      {"listeners/1/name", "public", "config.listeners[1].name: another one has it"},
      {"listeners/0/addresses", Json::array(), "config.listeners[0].addresses: there is none"},
      {"listeners/0/addresses/0", "nowhere", "config.listeners[0].addresses is damaged"},
      {"listeners/0/addresses/0", "unix:x",
       "config.listeners[0].address[0]: the path of a Unix socket must be absolute"},
      {"listeners/0/trusted_proxies/0/prefix", 129, "config.listeners[0].trusted_proxies: is no network"},
      {"listeners/0/trusted_proxies/0", Json{{"prefix", 8}},
       "config.listeners[0].trusted_proxies: is no network"},
      {"listeners/0/max_fields", 0, "config.listeners[0].max_fields: 0 is not an integer, 1 to 1000"},
      {"listeners/0/max_connections_per_client", 1'000'001,
       "config.listeners[0].max_connections_per_client: 1000001 is not \"auto\" or an integer, 0 to 1000000"},
      {"apps/0/name", "all", "config.apps[0].name: no app can have it"},
      {"apps/0/name", "web/1", "config.apps[0].name: no app can have it"},
      {"apps/1/name", "web", "config.apps[1].name: another one has it"},
      {"apps/0/command", Json::array(), "config.apps[0].command: the command is empty"},
      {"apps/0/command", Json::array({""}), "config.apps[0].command: the command is empty"},
      {"apps/0/command/0", std::string("a\0b", 3),
       "config.apps[0].command[0]: a NUL character is not allowed"},
      {"apps/0/directory", "srv", "config.apps[0].directory: is not absolute"},
      {"apps/0/environment/0/0", "A=B",
       "config.apps[0].environment.'A=B': a variable's name has no spaces and no '=', and is not empty"},
      {"apps/0/environment_file/0/path", "web.env", "config.apps[0].environment_file: is not absolute"},
      {"apps/0/user", "-x",
       "config.apps[0].user: expected a user such as 'www-data' or 'www-data:www-data', found '-x'"},
      {"apps/0/instances", 1001, "config.apps[0].instances: 1001 is not an integer, 1 to 1000"},
      {"apps/0/instances", 0, "config.apps[0].instances: 0 is not an integer, 1 to 1000"},
      {"apps/0/scaled_from", 0, "config.apps[0].scaled_from: 0 is out of range"},
      {"apps/0/listen/0", "private", "config.apps[0].listen: there is no listener 'private'"},
      {"apps/0/endpoint", "none", "config.apps[0].listen: has no meaning with endpoint = \"none\""},
      {"apps/0/routes", Json::array(), "config.apps[0].routes: there is none"},
      {"apps/0/routes/0/path", "/a/", "config.apps[0].routes[0].path: is not as a configuration has it"},
      {"apps/0/routes/0/path", "",
       "config.apps[0].routes[0].path: expected a path such as '/api', without wildcard, query or spaces, "
       "found "
       "''"},
      {"apps/0/routes/0/host", "A.com", "config.apps[0].routes[0].host: is not as a configuration has it"},
      {"apps/0/health/interval", 1, "config.apps[0].health.interval: \"1ms\" is not a duration, 10ms to 1d"},
      {"apps/0/health/path", "/a\r\nX: y",
       "config.apps[0].health.path: expected a path such as '/health', found '/a\\r\\nX: y'"},
      {"apps/0/health/path_given", false, "config.apps[0].health.path_given: a path or statuses were given"},
      {"apps/0/health/expect/0/last", 600,
       "config.apps[0].health.expect: expected statuses from 100 to 599 such as '200-299,301', found "
       "'200-600,204-205'"},
      {"apps/0/health/host", "a b",
       "config.apps[0].health.host: expected a host such as 'example.com', found 'a b'"},
      {"apps/0/health/proto", "gopher",
       "config.apps[0].health.proto: unknown value 'gopher'; expected one of 'http', 'https'"},
      {"apps/0/health/headers/0/1", "a\nb",
       "config.apps[0].health.headers.Authorization: a header's value is one line without control "
       "characters"},
      {"apps/0/stop/ladder", Json::array(), "config.apps[0].stop.signal: expected 1 to 16 signals, found 0"},
      {"apps/0/stop/ladder/0/signal", 99, "config.apps[0].stop.signal[0]: unknown signal '99'; known are"},
      {"apps/0/stop/ladder/0/wait", 86'400'001,
       "config.apps[0].stop.signal[0]: 86400001ms is out of range (allowed: 0s to 1d)"},
      {"apps/3/stop/ladder/0/wait", 86'400'001,
       "config.apps[3].stop.timeout: 86400001ms is out of range (allowed: 0s to 1d)"},
      {"apps/0/log/out", "web.log", "config.apps[0].log.stdout: 'web.log' is no file's path"},
      {"apps/0/log/access", "x/", "config.apps[0].log.access: expected a file's absolute path"},
      {"apps/0/proxy_options/balance_key", "a b",
       "config.apps[0].proxy_options.balance: expected the name of a cookie after 'hash:cookie:'"},
      {"apps/0/proxy_options/max_body", 0, "config.apps[0].proxy_options.max_body: \"0\" is not a size"},
      {"apps/0/proxy_options/request_headers/set/0/0", "Host",
       "config.apps[0].proxy_options.request_headers.set.Host: the proxy writes this header itself"},
      {"apps/0/proxy_options/trailers/0", "cookie",
       "config.apps[0].proxy_options.trailers[0]: this header cannot be a trailer"},
      {"apps/0/proxy_options/error_pages/0/statuses/first", 200,
       "config.apps[0].proxy_options.error_pages: is not as a configuration has it"},
      {"apps/0/proxy_options/error_pages/0/html", std::string((64U << 10) + 1, 'x'),
       "config.apps[0].proxy_options.error_pages: is not as a configuration has it"},
      {"files/0", std::string("/\0", 2), "config.files: a NUL character is not allowed"},
      {"owner", -1, "config.owner is damaged"},
      {"owner", std::uint64_t{1} << 32, "config.owner is damaged"},
      {"places/0/1/line", -1, "config.places.line is damaged"},
      {"trees", nullptr, "config.trees and config.daemon.autodiscover contradict each other"},
      {"trees", Json::array(), "config.trees is damaged"},
      {"trees/0", nullptr, "config.trees[0] is damaged"},
      {"trees/0/name", "", "config.trees[0].name is damaged"},
      {"trees/0/of_app_folder", true, "config.trees[0].of_app_folder is damaged"},
      {"trees/1/stamp/inode", -1, "config.trees[1].stamp.inode is damaged"},
      {"trees/1/tree/0/0", 1, "config.trees[1].tree[0][0] is damaged"},
      {"trees/1/tree/0/2", -1, "config.trees[1].tree[0][2] is damaged"},
      {"trees/1/tree/0/3/2", Json::object(), "config.trees[1].tree[0][3][2] is damaged"},
      {"trees/1/tree/0/3/2", Json{{"float", "1.5x"}}, "config.trees[1].tree[0][3][2] is damaged"},
      {"trees/1/tree/0/3/2/table/0/3/1", "x", "config.trees[1].tree[0][3][2][0][3][1] is damaged"},
  };
  for (const auto& [at, value, expected] : cases) {
    CAPTURE(at);
    Json bad = good;
    bad[Json::json_pointer("/config/" + std::string(at))] = value;
    const std::string error = test::error_of(bad.dump());
    CHECK(error.substr(0, std::string_view(expected).size()) == std::string(expected));
  }
  for (const auto& [at, value] :
       {std::pair("file", Json("gv.toml")), std::pair("file", Json(std::string("/\0", 2))),
        std::pair("when", Json(253'402'300'800)), std::pair("config", Json::array())}) {
    Json bad = good;
    bad[at] = value;
    CHECK(test::error_of(bad.dump()).starts_with(at));
  }
}

TEST_CASE(
    "configuration record: more files than a configuration has, and too much of anything, are refused") {
  test::TempFolder folder;
  Json json = Json::parse(test::text_of(test::sample_config(folder)));
  Json& trees = json["config"]["trees"];
  while (trees.size() < config::kMostFiles) trees.push_back(trees[1]);
  CHECK(test::error_of(json.dump()).empty());
  trees.push_back(trees[1]);
  CHECK(test::error_of(json.dump()) == "config.trees is damaged");
  CHECK(test::error_of(std::string(kMostConfigurationBytes + 1, ' ')) == "damaged: it is too large");
  config::Config config = test::config_of("[app.web]\ncommand = \"x\"\n");
  config.apps.front().environment["LARGE"] = std::string(kMostConfigurationBytes, 'x');
  auto text = to_text(config, "/etc/gv.toml", test::kWhen);
  REQUIRE_FALSE(text.has_value());
  CHECK(text.error().what == "the configuration is too large to be recorded: 64 MiB (allowed: 64)");
}

TEST_CASE("configuration record: deep nesting is refused without exhausting the stack") {
  std::string deep(1U << 18, '[');
  CHECK_FALSE(test::error_of(deep).empty());
  CHECK_FALSE(test::error_of(R"({"version":1,"config":)" + deep + std::string(1U << 18, ']') + "}").empty());
}

TEST_CASE("configuration record: texts with changed bytes are judged") {
  test::TempFolder folder;
  const std::string whole = small_sample(folder).dump();
  constexpr std::string_view kBytes = "\"\\{}[],:0919-+.eEtfnu/ \n\x01\x7f\x80\xff";
  Numbers numbers;
  for (int round = 0; round < 500; ++round) {
    std::string text = whole;
    for (std::size_t changes = 1 + numbers.below(3); changes > 0; --changes) {
      const std::size_t at = numbers.below(text.size());
      const std::size_t length = numbers.below(std::min<std::size_t>(40, text.size() - at) + 1);
      switch (numbers.below(4)) {
        case 0: text[at] = kBytes[numbers.below(kBytes.size())]; break;
        case 1: text.insert(at, 1, kBytes[numbers.below(kBytes.size())]); break;
        case 2: text.erase(at, length); break;
        default: text.insert(numbers.below(text.size()), text.substr(at, length));
      }
    }
    CAPTURE(round);
    check_judged(text);
  }
}

TEST_CASE("configuration record: texts with a value of each kind at any place are judged") {
  test::TempFolder folder;
  Json json = small_sample(folder);
  const Json kinds[] = {nullptr,
                        true,
                        0,
                        -1,
                        std::numeric_limits<std::int64_t>::min(),
                        std::numeric_limits<std::uint64_t>::max(),
                        1e308,
                        "",
                        "x",
                        "/",
                        std::string("\0\x1b[2J\n", 6),
                        std::string(5000, 'a'),
                        Json::array(),
                        Json::object(),
                        Json{{"hex", "ff00"}},
                        Json{{"hex", "f"}}};
  std::size_t round = 0;
  Numbers numbers;
  for (const std::string& path : places_in(json)) {
    if (numbers.below(2) == 0) continue;  // for the time it takes
    CAPTURE(path);
    Json::json_pointer at(path);
    // Now and then a whole table or list instead of a value.
    for (std::size_t up = numbers.below(4); up > 1 && !at.parent_pointer().empty(); --up) {
      at = at.parent_pointer();
    }
    const Json before = std::exchange(json[at], kinds[++round % std::size(kinds)]);
    check_judged(json.dump());
    json[at] = before;
  }
}
