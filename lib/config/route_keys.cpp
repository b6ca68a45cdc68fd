// The keys of [app.NAME] about where it is reached: endpoint, listen, route, routes, proxy, exclusive.
#include "config/tables.h"

namespace gracevisor::config {
namespace {

constexpr Choice<EndpointKind> kEndpoints[] = {{"port", EndpointKind::port},
                                               {"socket", EndpointKind::socket},
                                               {"fd", EndpointKind::fd},
                                               {"none", EndpointKind::none}};

constexpr Choice<Protocol> kProtocols[] = {{"http", Protocol::http}, {"tcp", Protocol::tcp}};

// Keeps the texts unchanged: names are looked up once all files are read.
void read_listen(Reading& reading, const Item& item, App& out) {
  for (const Item& element : reading.texts(item, "a listener's name, an address, or a list of either")) {
    out.listen.push_back(std::get<std::string>(element.value.data));
  }
}

void read_route(Reading& reading, const Item& item, App& out) {
  for (const Item& element :
       reading.texts(item, R"(a route such as "example.com/api" or a list of routes)")) {
    auto route = parse_route(std::get<std::string>(element.value.data));
    if (!route) {
      reading.error(element, route.error().what);
      continue;
    }
    route->source = element.value.source;
    out.routes.push_back(std::move(*route));
  }
}

Fields<Route> route_fields() {
  auto read_with = [](auto parse_text, std::string Route::* member, std::string_view expected) {
    return [=](Reading& r, const Item& item, Route& out) {
      auto text = r.text(item, expected);
      if (!text) return;
      auto parsed = parse_text(*text);
      if (!parsed) return r.error(item, parsed.error().what);
      out.*member = *parsed;
    };
  };
  auto host = [](const std::string& text) -> base::Expected<std::string> {
    if (text.empty() || text == "*") return std::string();
    return parse_host(text, true);
  };
  return {{"host", {}, read_with(host, &Route::host, R"(a host such as "example.com")")},
          {"path", {}, read_with(parse_route_path, &Route::path, R"(a path such as "/api")")}};
}

void read_routes(Reading& reading, const Item& item, App& out) {
  constexpr std::string_view kExpected = "tables with host and path, as [[app.NAME.routes]]";
  const auto* array = std::get_if<Array>(&item.value.data);
  if (array == nullptr) return reading.wrong_type(item, kExpected);
  auto fields = route_fields();
  for (std::size_t i = 0; i < array->size(); ++i) {
    Item element{fmt::format("{}[{}]", item.path, i), (*array)[i]};
    const Table* table = reading.table(element, "a table with host and path");
    if (table == nullptr) continue;
    Route route;
    route.source = element.value.source;
    read_table(reading, element.path, *table, fields, route);
    if (table->empty()) reading.error(element, "a route needs host or path");
    out.routes.push_back(std::move(route));
  }
}

std::string routes_text(const App& app) {
  if (app.protocol == Protocol::tcp) return {};  // which may have no route except the implied one
  std::vector<std::string> items;
  items.reserve(app.routes.size());
  for (const Route& route : app.routes) items.push_back(route_text(route));
  return items.empty() ? std::string() : list_text(items);
}

void read_exclusive(Reading& reading, const Item& item, App&) {
  if (auto value = reading.boolean(item); value && *value) reading.not_supported(item);
}

}  // namespace

void add_routing_fields(Fields<App>& fields) {
  fields.push_back(choice_field("endpoint", &App::endpoint, kEndpoints,
                                R"({port}, env PORT and HOST=127.0.0.1; "socket": {socket}, env SOCKET; )"
                                R"("fd": socket activation; "none": a worker process, not routed)"));
  fields.emplace_back(
      "listen", "a listener's name or an address of its own; a list of either", read_listen,
      [](const App& app) { return app.listen.empty() ? std::string() : list_text(app.listen); },
      R"("public")");
  fields.emplace_back("route", "a route or a list; without any, every host and path of the listener",
                      read_route, routes_text, R"("example.com/api")");
  fields.emplace_back(
      "routes", "the long form of route, also written [[app.NAME.routes]]", read_routes,
      [](const App&) { return std::string(); }, R"([{ host = "example.com", path = "/api" }])");
  fields.push_back(choice_field("proxy", &App::protocol, kProtocols,
                                R"(what is spoken; "tcp": any protocol, on a listener of the app's own)"));
  fields.emplace_back("exclusive", "never two copies at a time; only false in this version", read_exclusive,
                      [](const App&) { return std::string("false"); });
}

}  // namespace gracevisor::config
