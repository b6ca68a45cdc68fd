// PM2's ecosystem file as JSON. One app of it is in pm2_app.h.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "migrate/migrate.h"
#include "migrate/pm2_app.h"

namespace gracevisor::migrate {
namespace {

constexpr int kDeepest = 64;  // printing a value is recursive

base::Expected<nlohmann::json> parse(const Input& input) {
  bool deep = false;
  auto shallow = [&deep](int depth, nlohmann::json::parse_event_t /*event*/, nlohmann::json& /*value*/) {
    deep = deep || depth > kDeepest;
    return depth <= kDeepest;
  };
  constexpr bool kThrows = false;
  constexpr bool kComments = true;  // PM2 takes them
  auto json = nlohmann::json::parse(input.text, shallow, kThrows, kComments);
  if (deep) return base::fail(fmt::format("{}: nested deeper than {}", input.name, kDeepest));
  if (json.is_discarded()) {
    return base::fail(
        input.name +
        ": no JSON. PM2 takes it as JavaScript, which allows more, such as a comma before a closing "
        "bracket: make it JSON, or, behind \"module.exports = \", an ecosystem.config.js for --run");
  }
  return json;
}

}  // namespace

base::Expected<Draft> from_pm2(const Input& input) {
  auto json = parse(input);
  if (!json) return std::unexpected(json.error());
  Draft draft;
  const nlohmann::json* apps = &*json;
  if (json->is_object() && (json->contains("apps") || json->contains("pm2"))) {
    const char* key = json->contains("apps") ? "apps" : "pm2";
    apps = &(*json)[key];
    for (const auto& [name, value] : json->items()) {
      if (name == key) continue;
      draft.remarks.push_back({fmt::format("{}: {}", input.name, key_value(name, value)),
                               name == "deploy"
                                   ? "gvctl deploy starts what is in directory; how it comes there is for "
                                     "other tools"
                                   : "no counterpart"});
    }
  }
  std::vector<const nlohmann::json*> list;
  if (apps->is_array()) {
    for (const nlohmann::json& app : *apps) list.push_back(&app);
  } else {
    list.push_back(apps);
  }
  if (list.empty()) return base::fail(input.name + ": no apps in it");
  if (list.size() > Draft::kMostApps)
    return base::fail(fmt::format("{}: more than {} apps", input.name, Draft::kMostApps));
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = fmt::format("{}: apps[{}]", input.name, i);
    if (!list[i]->is_object()) return base::fail(where + ": expected an object with a script");
    if (auto added = add_pm2_app(draft, *list[i], input, where); !added)
      return std::unexpected(added.error());
  }
  return draft;
}

}  // namespace gracevisor::migrate
