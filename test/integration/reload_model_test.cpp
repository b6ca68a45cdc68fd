// Random configurations, one after the other, reloaded by one daemon: after each, what clients get and what
// status says is what a daemon that starts with that configuration would give.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::size_t kNames = 4;
constexpr unsigned kReloads = 15;

// What may differ of an app.
struct AppModel {
  std::optional<unsigned> own;  // the listener that it has for itself; unset: the shared one, by host
  std::string host;
  unsigned instances = 1;
  unsigned variant = 0;  // of its environment
};

struct Model {
  unsigned shared = 0;  // which listener the apps share
  std::map<std::string, AppModel> apps;
};

Model random_model(std::minstd_rand& random) {
  Model model{.shared = static_cast<unsigned>(random() % 2), .apps = {}};
  std::vector<std::string> hosts = {"one.test", "two.test", "three.test", "four.test"};
  std::ranges::shuffle(hosts, random);
  std::vector<unsigned> own = {2, 3, 4, 5};
  std::ranges::shuffle(own, random);
  for (std::size_t i = 0; i < kNames; ++i) {
    if (random() % 4 == 0) continue;
    AppModel app{.own = {},
                 .host = hosts[i],
                 .instances = static_cast<unsigned>(1 + random() % 2),
                 .variant = static_cast<unsigned>(random() % 2)};
    if (random() % 3 == 0) app.own = own[i];
    model.apps[std::string(1, static_cast<char>('a' + i))] = app;
  }
  return model;
}

std::string text_of(const Model& model) {
  std::string text = "[listen.public]\naddress = \"" + listen_word(model.shared) + "\"\n";
  for (const auto& [name, app] : model.apps) {
    text +=
        "[app." + name + "]\ncommand = \"@DEMO@ --version-text " + name +
        "\"\nhealth = { path = \"/health\", interval = \"50ms\" }\ndeploy.guard = \"50ms\"\ninstances = " +
        std::to_string(app.instances) + "\nenvironment.V = \"" + std::to_string(app.variant) + "\"\n";
    text += app.own ? "listen = \"" + listen_word(*app.own) + "\"\n"
                    : "listen = \"public\"\nroute = \"" + app.host + "\"\n";
  }
  return text;
}

std::map<std::string, std::string> expected_answers(const Model& model) {
  std::map<std::string, std::string> answers;
  for (unsigned index = 0; index < 6; ++index) {
    for (const char* host : {"one.test", "two.test", "three.test", "four.test"}) {
      std::string& answer = answers[std::to_string(index) + " " + host];
      for (const auto& [name, app] : model.apps) {
        const bool here = app.own ? *app.own == index : index == model.shared && app.host == host;
        if (here) answer = name;
      }
    }
  }
  return answers;
}

std::map<std::string, std::string> answers(const Site& site) {
  std::map<std::string, std::string> result;
  for (unsigned index = 0; index < 6; ++index) {
    for (const char* host : {"one.test", "two.test", "three.test", "four.test"}) {
      result[std::to_string(index) + " " + host] = served_by(site.listener(index), host);
    }
  }
  return result;
}

// Its apps with their instances, which all serve, and nothing to complain of.
std::map<std::string, std::size_t> instances(const DaemonProcess& daemon) {
  std::map<std::string, std::size_t> result;
  const auto status = daemon.status();
  if (!status || !status->problems.empty()) return {};
  for (const control::AppStatus& app : status->apps) {
    const bool good = app.problems.empty() && app.healthy == app.wanted && app.instances.size() == app.wanted;
    result[app.name] = good ? app.wanted : 0;
  }
  return result;
}

std::map<std::string, std::size_t> expected_instances(const Model& model) {
  std::map<std::string, std::size_t> result;
  for (const auto& [name, app] : model.apps) result[name] = app.instances;
  return result;
}

}  // namespace

TEST_CASE("reload model: after each of many random reloads everything is as after a fresh start") {
  Site site;
  std::minstd_rand random(11);
  Model model = random_model(random);
  site.configure(text_of(model));
  DaemonProcess daemon(site);
  for (unsigned i = 0; i < kReloads; ++i) {
    INFO(i << ":\n" << text_of(model) << daemon.log());
    CHECK(wait_until([&] { return instances(daemon) == expected_instances(model); }));
    CHECK(wait_until([&] { return answers(site) == expected_answers(model); }));
    CHECK(daemon.ctl({"reload", "--dry-run"}).out == "done: nothing was changed\n");
    model = random_model(random);
    site.configure(text_of(model));
    CommandResult result = daemon.ctl({"reload", "--remove"});
    INFO(describe(result));
    REQUIRE(result.exit_code == 0);
  }
}
