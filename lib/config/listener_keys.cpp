#include "config/listener_keys.h"

namespace gracevisor::config {

void read_addresses(Reading& reading, const Item& item, std::vector<base::Address>& addresses) {
  for (const Item& element : reading.texts(item, R"(an address such as "*:80" or a list of addresses)")) {
    const auto& text = std::get<std::string>(element.value.data);
    auto address = base::Address::parse(text);
    if (!address) {
      reading.error(element, address.error().what);
    } else if (address->is_unix() && !text.starts_with("unix:/")) {
      reading.error(element, "the path of a Unix socket must be absolute");
    } else {
      addresses.push_back(*address);
    }
  }
}

std::string addresses_text(const std::vector<base::Address>& addresses) {
  std::vector<std::string> texts;
  texts.reserve(addresses.size());
  for (const base::Address& address : addresses) texts.push_back(address.text());
  return texts.empty() ? std::string() : list_text(texts);
}

void read_default_app(Reading& reading, const Item& item, std::optional<std::string>& app) {
  app = reading.text(item, "an app's name");
}

void read_proxies(Reading& reading, const Item& item, std::vector<Cidr>& proxies) {
  for (const Item& element : reading.texts(item, R"(a network such as "10.0.0.0/8" or a list of networks)")) {
    if (auto cidr = parse_cidr(std::get<std::string>(element.value.data))) {
      proxies.push_back(*cidr);
    } else {
      reading.error(element, cidr.error().what);
    }
  }
}

std::string proxies_text(const std::vector<Cidr>& proxies) {
  std::vector<std::string> texts;
  texts.reserve(proxies.size());
  for (const Cidr& cidr : proxies) texts.push_back(cidr_text(cidr));
  return list_text(texts);
}

}  // namespace gracevisor::config
