// [daemon] and [listen.NAME].
#include <algorithm>
#include <cctype>

#include "config/access_fields.h"
#include "config/tables.h"

namespace gracevisor::config {
namespace {

constexpr Choice<base::LogLevel> kLevels[] = {{"debug", base::LogLevel::debug},
                                              {"info", base::LogLevel::info},
                                              {"warning", base::LogLevel::warning},
                                              {"error", base::LogLevel::error}};

void read_workers(Reading& reading, const Item& item, Daemon& out) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  if (text != nullptr && *text == "auto") {
    out.workers = 0;
  } else if (!std::holds_alternative<std::int64_t>(item.value.data)) {
    reading.wrong_type(item, R"("auto" or an integer)");
  } else if (auto number = reading.integer(item, {1, 256})) {
    out.workers = static_cast<unsigned>(*number);
  }
}

Field<Daemon> folder_field(std::string_view key, std::filesystem::path Daemon::* member,
                           std::string_view comment) {
  return {key, comment,
          [=](Reading& r, const Item& item, Daemon& out) {
            if (auto path = r.path(item)) out.*member = *path;
          },
          [=](const Daemon& value) { return quote((value.*member).string()); }};
}

void read_log_file(Reading& reading, const Item& item, DaemonLog& out) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  if (text != nullptr && text->empty()) {
    out.file.clear();
  } else if (auto path = reading.path(item, R"(a file's path, or "" for standard error)")) {
    out.file = path->string();
  }
}

Fields<DaemonLog> daemon_log_fields() {
  return {{"file", R"("" is standard error)", read_log_file,
           [](const DaemonLog& log) { return quote(log.file); }},
          choice_field("level", &DaemonLog::level, kLevels, R"("debug", "info", "warning" or "error")"),
          size_field("max_size", &DaemonLog::max_size, {1024, 1ULL << 40}, "when to begin a new file"),
          number_field("keep", &DaemonLog::keep, {0, 1000}, "how many old files stay")};
}

void read_port_range(Reading& reading, const Item& item, Daemon& out) {
  auto text = reading.text(item, R"(a range of ports such as "20000-29999")");
  if (!text) return;
  if (auto range = parse_port_range(*text)) {
    out.port_range = *range;
  } else {
    reading.error(item, range.error().what);
  }
}

void read_group(Reading& reading, const Item& item, Daemon& out) {
  auto text = reading.text(item, "a group's name");
  if (!text) return;
  bool valid = text->size() <= 64 && std::all_of(text->begin(), text->end(), [](char c) {
                 return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
               });
  if (valid) {
    out.operator_group = *text;
  } else {
    reading.error(item, "expected a group's name, found " + quote_briefly(*text));
  }
}

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

Fields<Daemon> daemon_fields() {
  return {{"workers", R"(proxy threads; "auto": as many as CPUs)", read_workers,
           [](const Daemon& daemon) {
             return daemon.workers == 0 ? std::string(R"("auto")") : std::to_string(daemon.workers);
           }},
          folder_field("runtime_dir", &Daemon::runtime_dir,
                       "control socket and lock; not root: $XDG_RUNTIME_DIR/gracevisor"),
          folder_field("state_dir", &Daemon::state_dir,
                       "records and logs of apps; not root: $XDG_STATE_HOME/gracevisor"),
          {"port_range", "where instances listen; twice as many as instances are needed for a deploy",
           read_port_range,
           [](const Daemon& daemon) {
             return fmt::format(R"("{}-{}")", daemon.port_range.first.value(),
                                daemon.port_range.last.value());
           }},
          duration_or_auto_field("shutdown_timeout", &Daemon::shutdown_timeout, {Millis(0), kDay},
                                 R"("auto": the largest drain + stop of all apps, + 10 s)"),
          {"operator_group", "who may use the control socket beside root and the daemon's user", read_group,
           [](const Daemon& daemon) { return quote(daemon.operator_group); }},
          table_field("log", &Daemon::log, daemon_log_fields(), "the daemon's own log")};
}

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
      access_path_field("access_log", &Listener::access_log,
                        "a line for each request that no app logs, 404 and refused ones too",
                        R"("/var/log/gracevisor/access.log")"),
      access_format_field("access_format", &Listener::access_format),
      reserved_field<Listener>("tls"),
      reserved_field<Listener>("redirect"),
      reserved_field<Listener>("proxy_protocol")};
}

}  // namespace gracevisor::config
