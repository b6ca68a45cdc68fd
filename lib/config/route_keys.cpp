// The keys of [app.NAME] about where it is reached, and those reserved for later versions.
#include <fmt/format.h>

#include "config/app_keys.h"

namespace gracevisor::config {

base::Expected<std::string> parse_route_host(std::string_view text) {
  if (text.empty() || text == "*") return std::string();
  return parse_host(text, true);
}

void read_listen(Reading& reading, const Item& item, std::vector<std::string>& listen) {
  for (const Item& element : reading.texts(item, "a listener's name, an address, or a list of either")) {
    listen.push_back(std::get<std::string>(element.value.data));
  }
}

void read_route(Reading& reading, const Item& item, Routes& routes, Protocol& /*protocol*/) {
  for (const Item& element :
       reading.texts(item, R"(a route such as "example.com/api" or a list of routes)")) {
    auto route = parse_route(std::get<std::string>(element.value.data));
    if (!route) {
      reading.error(element, route.error().what);
      continue;
    }
    route->source = element.value.source;
    routes.push_back(std::move(*route));
  }
}

std::string routes_text(const Routes& routes, const Protocol& protocol) {
  if (protocol == Protocol::tcp) return {};  // which may have no route except the implied one
  std::vector<std::string> items;
  items.reserve(routes.size());
  for (const Route& route : routes) items.push_back(route_text(route));
  return items.empty() ? std::string() : list_text(items);
}

void read_routes(Reading& reading, const Item& item, Routes& routes) {
  const auto* array = std::get_if<Array>(&item.value.data);
  if (array == nullptr) {
    return reading.wrong_type(item, "tables with host and path, as [[app.NAME.routes]]");
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    Item element{fmt::format("{}[{}]", item.path, i), (*array)[i]};
    const Table* table = reading.table(element, "a table with host and path");
    if (table == nullptr) continue;
    Route route;
    route.source = element.value.source;
    read_table(reading, element.path, *table, route);
    if (table->empty()) reading.error(element, "a route needs host or path");
    routes.push_back(std::move(route));
  }
}

void read_exclusive(Reading& reading, const Item& item) {
  if (auto value = reading.boolean(item); value && *value) reading.not_supported(item);
}

void read_keep_previous(Reading& reading, const Item& item) {
  if (auto value = kTicksOrNone.value(reading, item); value && *value != Millis(0)) {
    reading.not_supported(item);
  }
}

}  // namespace gracevisor::config
