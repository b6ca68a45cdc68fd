#include <doctest/doctest.h>

#include <random>

#include "config/adjust.h"
#include "config/keys.h"
#include "spec/spec.h"
#include "state_sample.h"

using namespace gracevisor;
using namespace gracevisor::spec;
using config::Takes;

namespace {

bool takes_deploy(const config::Difference& difference) {
  return difference.takes == Takes::deploy;
}

// Some of `two`'s values in `one`: of each key with even chances.
Spec mixed(const Spec& one, const Spec& two, std::minstd_rand& random) {
  const auto chosen = [&random](Takes /*takes*/) { return random() % 2 == 0; };
  Spec result = one;
  config::adjust(result.app, two.app, chosen);
  if (random() % 2 == 0) result.listeners = two.listeners;
  for (config::Listener& listener : result.listeners) {
    config::adjust(listener, two.listeners.front(), chosen);
  }
  return result;
}

std::string texts(const std::vector<config::Difference>& differences) {
  return names_of(differences);
}

}  // namespace

TEST_CASE(
    "adjusted: of 1,000 random pairs, what needs no deploy is as in a fresh start, and the rest as before") {
  Spec plain;
  plain.app.name = "web";
  plain.app.command = {"/bin/web"};
  plain.listeners.emplace_back().name = "public\xff";
  const Spec full = test::sample_spec();
  std::minstd_rand random(20261129);
  std::size_t deploys = 0;
  for (int i = 0; i < 1000; ++i) {
    const Spec from = mixed(plain, full, random);
    const Spec to = mixed(plain, full, random);
    const SpecRef result = adjusted(from, to);
    const auto left = differences(*result, to);
    INFO(i << ": " << texts(differences(from, to)) << " / left: " << texts(left));
    CHECK(std::ranges::all_of(left, takes_deploy));
    CHECK(std::ranges::none_of(differences(from, *result), takes_deploy));
    auto expected = differences(from, to);
    std::erase_if(expected, [](const auto& one) { return !takes_deploy(one); });
    CHECK(texts(left) == texts(expected));
    if (!left.empty()) ++deploys;
  }
  CHECK(deploys > 0);
}

TEST_CASE("adjusted: the times of the stop ladder need no deploy, other signals do") {
  Spec from;
  from.app.stop.ladder = {{2, base::Millis(1000)}, {15, base::Millis(2000)}};
  Spec to = from;
  to.app.stop.ladder[1].wait = base::Millis(9000);
  auto found = differences(from, to);
  REQUIRE(found.size() == 1);
  CHECK(found.front().name == "stop.timeout");
  CHECK(found.front().takes == Takes::next_use);
  CHECK(adjusted(from, to)->app.stop.ladder[1].wait == base::Millis(9000));
  to.app.stop.ladder[0].signal = 1;
  found = differences(from, to);
  REQUIRE(found.size() == 1);
  CHECK(found.front().name == "stop.signal");
  CHECK(found.front().takes == Takes::deploy);
  CHECK(adjusted(from, to)->app.stop.ladder[1].wait == base::Millis(2000));
}

TEST_CASE(
    "with_listeners: those of the same name are replaced, and a spec without any stays the same object") {
  auto spec = std::make_shared<Spec>();
  spec->listeners.emplace_back().name = "public";
  config::Listener changed;
  changed.name = "public";
  changed.max_head = 4096;
  CHECK(with_listeners(spec, {changed})->listeners.front().max_head == 4096);
  changed.name = "other";
  CHECK(with_listeners(spec, {changed}) == spec);
}

TEST_CASE("differences: an app that a listener has as its default, and no longer has, differs") {
  Spec from;
  from.app.name = "web";
  config::Listener listener;
  listener.name = "public";
  listener.default_app = "web";
  from.listeners = {listener};
  Spec to = from;
  to.listeners.clear();
  for (const auto& found : {differences(from, to), differences(to, from)}) {
    REQUIRE(found.size() == 1);
    CHECK(found.front().name == "listen.public.default");
    CHECK(found.front().takes == Takes::table);
  }
  CHECK(adjusted(from, to)->listeners.empty());
}

TEST_CASE("keep scale: a command's number of instances lasts until the files give another one") {
  spec::Spec in_force;
  in_force.app.instances = 4;
  config::App files;
  files.instances = 2;
  spec::keep_scale(in_force, files);  // the files' own number, which has changed
  CHECK(files.instances == 2);
  in_force.app.scaled_from = 2;
  spec::keep_scale(in_force, files);
  CHECK(files.instances == 4);
  CHECK(files.scaled_from == 2U);
  config::App edited;
  edited.instances = 3;
  spec::keep_scale(in_force, edited);
  CHECK(edited.instances == 3);
  CHECK_FALSE(edited.scaled_from.has_value());
}
