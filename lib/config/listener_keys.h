// [listen.NAME]. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"
#include "config/log_keys.h"

namespace gracevisor::config {

void read_addresses(Reading& reading, const Item& item, std::vector<base::Address>& addresses);
[[nodiscard]] std::string addresses_text(const std::vector<base::Address>& addresses);
void read_default_app(Reading& reading, const Item& item, std::optional<std::string>& app);
void read_proxies(Reading& reading, const Item& item, std::vector<Cidr>& proxies);
[[nodiscard]] std::string proxies_text(const std::vector<Cidr>& proxies);

inline constexpr Choice<Listener::Targets> kTargets[] = {{"as-sent", Listener::Targets::as_sent},
                                                         {"strict", Listener::Targets::strict}};

void keys(auto& key, IsA<Listener> auto& value) {
  auto& [name, addresses, default_app, trusted_proxies, proxy_protocol, head_timeout, idle_timeout,
         max_target, max_head, max_field, max_fields, targets, read_ahead, max_connections_per_client,
         access_log, access_format, access_max_size, access_keep, access_max_age, access_total_size,
         access_compress, source] = value;
  constexpr std::uint64_t kMost = 1U << 20;
  const Duration duration{{Millis(10), kDay}};
  key.kept("name", name);
  key({"address", Takes::listener, R"("*" is both families; "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock")",
       R"(["*:80"])"},
      By{read_addresses, addresses_text, "an address or a list of addresses"}, named("addresses", addresses));
  key({"default", Takes::table, "the app for unknown hosts; without it they get 404", R"("web")"},
      By{read_default_app, quote_optional, "an app's name"}, named("default_app", default_app));
  key({"trusted_proxies", Takes::listener, "whose X-Forwarded-* headers are believed"},
      By{read_proxies, proxies_text, "a network or a list of networks"}, trusted_proxies);
  key({"proxy_protocol", Takes::listener, "every connection must begin with a PROXY header, version 1 or 2"},
      Boolean{}, proxy_protocol);
  key({"head_timeout", Takes::table, "for the whole head of a request"}, duration, head_timeout);
  key({"idle_timeout", Takes::table, "between two requests"}, duration, idle_timeout);
  key({"max_target", Takes::table, "of a request's target; more is 414"}, Size{{64, kMost}}, max_target);
  key({"max_head", Takes::table, "of a request's head; more is 431"}, Size{{256, kMost}}, max_head);
  key({"max_field", Takes::table, "of one header line; more is 431"}, Size{{64, kMost}}, max_field);
  key({"max_fields", Takes::table, "header lines of a request; more is 431"}, Number{{1, 1000}}, max_fields);
  key({"targets", Takes::table,
       R"(bytes such as "^" and raw UTF-8 pass as they came; "strict": 400, as the RFC says)"},
      OneOf{kTargets}, targets);
  key({"read_ahead", Takes::table, "pipelined bytes that are kept while a request is served"},
      Size{{1024, kMost}}, read_ahead);
  key({"max_connections_per_client", Takes::listener,
       R"(from one address; "auto": a quarter of all places, once four fifths are taken; 0: any number)"},
      NumberOrAuto{{0, 1'000'000}}, max_connections_per_client);
  key({"access_log", Takes::writer, "a line for each request that no app logs, also for 404 and refused ones",
       R"("/var/log/gracevisor/access.log")"},
      kAccessPath, access_log);
  key(kAccessFormatKey, OneOf{kAccessFormats}, access_format);
  key({"access_max_size", Takes::writer, "how large access_log grows before a new one begins"}, kFileSize,
      access_max_size);
  key({"access_keep", Takes::writer, "how many old files of it stay"}, kKeptFiles, access_keep);
  key({"access_max_age", Takes::writer, kMaxAgeComment}, kFileAge, access_max_age);
  key({"access_total_size", Takes::writer, R"(with its old files, beyond which the oldest go; "0": any)"},
      kTotalSize, access_total_size);
  key({"access_compress", Takes::writer, "its old files become access.log.1.gz and so on"}, Boolean{},
      access_compress);
  key.also({"tls", Takes::listener, "HTTPS: until then a proxy in front speaks it"}, Later{Reserved{}});
  key.also({"redirect", Takes::listener, "answers with a redirection to HTTPS"}, Later{Reserved{}});
  key.kept("source", source);
}

}  // namespace gracevisor::config
