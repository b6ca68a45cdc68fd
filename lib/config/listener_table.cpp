// [listen.NAME].
#include "config/access_fields.h"
#include "config/tables.h"

namespace gracevisor::config {
namespace {

constexpr Millis kTick{10};
constexpr std::uint64_t kMostBytes = 1U << 20;

constexpr Choice<Listener::Targets> kTargets[] = {{"as-sent", Listener::Targets::as_sent},
                                                  {"strict", Listener::Targets::strict}};

void read_addresses(Reading& reading, const Item& item, Listener& out) {
  for (const Item& element : reading.texts(item, R"(an address such as "*:80" or a list of addresses)")) {
    const auto& text = std::get<std::string>(element.value.data);
    auto address = base::Address::parse(text);
    if (!address) {
      reading.error(element, address.error().what);
    } else if (address->is_unix() && !text.starts_with("unix:/")) {
      reading.error(element, "the path of a Unix socket must be absolute");
    } else {
      out.addresses.push_back(*address);
    }
  }
}

void read_proxies(Reading& reading, const Item& item, Listener& out) {
  for (const Item& element : reading.texts(item, R"(a network such as "10.0.0.0/8" or a list of networks)")) {
    if (auto cidr = parse_cidr(std::get<std::string>(element.value.data))) {
      out.trusted_proxies.push_back(*cidr);
    } else {
      reading.error(element, cidr.error().what);
    }
  }
}

std::string addresses_text(const Listener& listener) {
  std::vector<std::string> texts;
  texts.reserve(listener.addresses.size());
  for (const auto& address : listener.addresses) texts.push_back(address.text());
  return texts.empty() ? std::string() : list_text(texts);
}

std::string proxies_text(const Listener& listener) {
  std::vector<std::string> texts;
  texts.reserve(listener.trusted_proxies.size());
  for (const Cidr& cidr : listener.trusted_proxies) texts.push_back(cidr_text(cidr));
  return list_text(texts);
}

}  // namespace

Fields<Listener> listener_fields() {
  return {
      {"address", R"("*" is both families; "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock")", read_addresses,
       addresses_text, R"(["*:80"])"},
      {"default", "the app for unknown hosts; without it they get 404",
       [](Reading& r, const Item& item, Listener& out) { out.default_app = r.text(item, "an app's name"); },
       [](const Listener& listener) {
         return listener.default_app ? quote(*listener.default_app) : std::string();
       },
       R"("web")"},
      {"trusted_proxies", "whose X-Forwarded-* headers are believed", read_proxies, proxies_text},
      boolean_field("proxy_protocol", &Listener::proxy_protocol,
                    "every connection begins with a PROXY header, version 1 or 2, and is refused without"),
      duration_field("head_timeout", &Listener::head_timeout, {kTick, kDay}, "of a request's head, in all"),
      duration_field("idle_timeout", &Listener::idle_timeout, {kTick, kDay}, "between two requests"),
      size_field("max_target", &Listener::max_target, {64, kMostBytes}, "of a request line; more is 414"),
      size_field("max_head", &Listener::max_head, {256, kMostBytes}, "of a request; more is 431"),
      size_field("max_field", &Listener::max_field, {64, kMostBytes}, "of one header line; more is 431"),
      number_field("max_fields", &Listener::max_fields, {1, 1000}, "header lines; more is 431"),
      choice_field("targets", &Listener::targets, kTargets,
                   R"(bytes such as "^" and raw UTF-8 pass as they came; "strict": 400, as the RFC says)"),
      size_field("read_ahead", &Listener::read_ahead, {1024, kMostBytes},
                 "pipelined bytes that are kept while a request is served"),
      number_or_auto_field(
          "max_connections_per_client", &Listener::max_connections_per_client, {0, 1'000'000},
          "of one address; \"auto\": a quarter, once four fifths of all places are taken; 0: any"),
      access_path_field("access_log", &Listener::access_log,
                        "a line for each request that no app logs, 404 and refused ones too",
                        R"("/var/log/gracevisor/access.log")"),
      access_format_field("access_format", &Listener::access_format),
      reserved_field<Listener>("tls"),
      reserved_field<Listener>("redirect")};
}

}  // namespace gracevisor::config
