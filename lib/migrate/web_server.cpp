#include "migrate/web_server.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "config/words.h"

namespace gracevisor::migrate {
namespace {

using Words = std::vector<std::string>;
using Options = std::vector<std::string_view>;

// How a server is told where to listen.
struct Server {
  std::string_view name;
  std::string_view verb;  // must follow: "rails server"
  Options address;        // -b 127.0.0.1:8000, with "unix:" and "tcp://" where it knows these
  Options port;
  Options host;
  Options path;             // of a Unix socket
  std::string_view own;     // the host if none is given
  bool positional = false;  // or by the word behind the verb: runserver 0.0.0.0:8000
};

const std::vector<Server>& servers() {
  static const std::vector<Server> kServers = {
      {"gunicorn", "", {"-b", "--bind"}, {}, {}, {}, ""},
      {"hypercorn", "", {"-b", "--bind"}, {}, {}, {}, ""},
      {"uvicorn", "", {}, {"--port"}, {"--host"}, {"--uds"}, "127.0.0.1"},
      {"daphne", "", {}, {"-p", "--port"}, {"-b", "--bind"}, {"-u", "--unix-socket"}, "127.0.0.1"},
      {"waitress-serve", "", {"--listen"}, {"--port"}, {"--host"}, {"--unix-socket"}, "0.0.0.0"},
      {"uwsgi", "", {"--http", "--http-socket"}, {}, {}, {}, ""},
      {"puma", "", {"-b", "--bind"}, {"-p", "--port"}, {}, {}, "0.0.0.0"},
      {"thin", "", {}, {"-p", "--port"}, {"-a", "--address"}, {}, "0.0.0.0"},
      {"rackup", "", {}, {"-p", "--port"}, {"-o", "--host"}, {}, "127.0.0.1"},
      {"rails", "server", {}, {"-p", "--port"}, {"-b", "--binding"}, {}, "127.0.0.1"},
      {"rails", "s", {}, {"-p", "--port"}, {"-b", "--binding"}, {}, "127.0.0.1"},
      {"flask", "run", {}, {"-p", "--port"}, {"-h", "--host"}, {}, "127.0.0.1"},
      {"php", "artisan", {}, {"--port"}, {"--host"}, {}, "127.0.0.1"},
      {"php", "", {"-S"}, {}, {}, {}, ""},
      {"manage.py", "runserver", {}, {}, {}, {}, "", true},
      {"java", "", {}, {"--server.port", "-Dserver.port"}, {"--server.address"}, {}, "0.0.0.0"},
  };
  return kServers;
}

bool among(const Options& options, std::string_view word) {
  return std::ranges::find(options, word) != options.end();
}

std::string base_name(const std::string& word) {
  return std::filesystem::path(word).filename().string();
}

// What may stand before the server's name: interpreters, and programs that start another one.
bool is_wrapper(const std::string& word) {
  static const Options kWrappers = {"bundle", "exec", "poetry", "pipenv", "uv",   "run",
                                    "env",    "-m",   "-u",     "ruby",   "nohup"};
  std::string name = base_name(word);
  return among(kWrappers, name) || name.starts_with("python") || name.starts_with("pypy");
}

// The server and the index of the word that names it.
std::optional<std::pair<Server, std::size_t>> find_server(const Words& command) {
  for (std::size_t i = 0; i < command.size(); ++i) {
    for (const Server& server : servers()) {
      if (base_name(command[i]) != server.name) continue;
      if (server.verb.empty() || (i + 1 < command.size() && command[i + 1] == server.verb)) {
        return std::pair(server, i);
      }
    }
    if (!is_wrapper(command[i])) return std::nullopt;
  }
  return std::nullopt;
}

// An option's value: the rest of the word `at` from `from`.
struct Found {
  std::size_t at = 0;
  std::size_t from = 0;
  std::string value;
};

enum class Times { never, once, often };
struct Search {
  Times times = Times::never;
  Found found;
};

// "-b X", "-bX", "--bind X", "--bind=X".
Search find_option(const Words& words, std::size_t begin, const Options& options) {
  Search search;
  auto note = [&](std::size_t at, std::size_t from) {
    search.times = search.times == Times::never ? Times::once : Times::often;
    search.found = {at, from, words[at].substr(from)};
  };
  for (std::size_t i = begin; i < words.size(); ++i) {
    const std::string& word = words[i];
    for (std::string_view option : options) {
      const bool is_long = option.size() > 2;
      if (word == option && i + 1 < words.size()) {
        note(i + 1, 0);
      } else if (is_long && word.starts_with(option) && word.substr(option.size()).starts_with('=')) {
        note(i, option.size() + 1);
      } else if (!is_long && word.size() > 2 && word.starts_with(option)) {
        note(i, word[2] == '=' ? 3 : 2);
      }
    }
  }
  return search;
}

bool is_port_text(std::string_view text) {
  return text == "{port}" || port_of("*:" + std::string(text)).has_value();
}

bool is_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' ||
           c == ':' || c == '[' || c == ']';
  });
}

// The numeric form of a host as `listen` takes it; empty if it is a name.
std::string listen_host(std::string_view host) {
  if (host.empty() || host == "*") return "*";
  if (host == "localhost") return "127.0.0.1";
  if (!is_host(host)) return {};
  return host.find(':') != std::string_view::npos && !host.starts_with('[') ? "[" + std::string(host) + "]"
                                                                            : std::string(host);
}

std::string join_address(std::string_view host, std::string_view port) {
  return port == "{port}" ? std::string() : listen_host(host) + ":" + std::string(port);
}

void replace(Words& words, const Found& found, std::string_view value) {
  words[found.at].replace(found.from, std::string::npos, value);
}

// -b 127.0.0.1:8000, -b unix:/run/web.sock, -b tcp://0.0.0.0:8000
bool read_address(WebServer& out, const Found& found) {
  std::string value = found.value;
  std::string prefix;
  for (std::string_view known : {"unix://", "unix:", "tcp://"}) {
    if (!value.starts_with(known)) continue;
    prefix = known;
    value = value.substr(known.size());
    break;
  }
  if (auto query = value.find('?'); query != std::string::npos) return false;
  if (prefix.starts_with("unix")) {
    if (!value.starts_with('/')) return false;
    out.address = "unix:" + value;
    out.unix_socket = true;
    replace(out.command, found, prefix + "{socket}");
    return true;
  }
  auto colon = value.rfind(':');
  std::string port = colon == std::string::npos ? value : value.substr(colon + 1);
  std::string host = colon == std::string::npos ? "" : value.substr(0, colon);
  if (!is_port_text(port) || listen_host(host).empty()) return false;
  out.address = join_address(host, port);
  replace(out.command, found, prefix + "127.0.0.1:{port}");
  return true;
}

bool read_parts(WebServer& out, const Server& server, const Search& port, const Search& host) {
  if (!is_port_text(port.found.value) || host.times == Times::often) return false;
  std::string given = host.times == Times::once ? host.found.value : std::string(server.own);
  if (listen_host(given).empty()) return false;
  out.address = join_address(given, port.found.value);
  replace(out.command, port.found, "{port}");
  // An instance is for the proxy alone.
  if (host.times == Times::once) replace(out.command, host.found, "127.0.0.1");
  return true;
}

}  // namespace

std::optional<unsigned> port_of(std::string_view address) {
  auto colon = address.rfind(':');
  if (colon == std::string_view::npos || address.starts_with("unix:")) return std::nullopt;
  std::string_view text = address.substr(colon + 1);
  unsigned port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && port >= 1 && port <= 65535 ? std::optional(port) : std::nullopt;
}

std::optional<WebServer> web_server(const std::vector<std::string>& command) {
  auto found = find_server(command);
  if (!found) return std::nullopt;
  const auto& [server, at] = *found;
  WebServer out{std::string(server.name), command, {}, false};
  Search address = find_option(command, at + 1, server.address);
  Search port = find_option(command, at + 1, server.port);
  Search host = find_option(command, at + 1, server.host);
  Search path = find_option(command, at + 1, server.path);
  if (server.positional && at + 2 < command.size() && !command[at + 2].starts_with('-')) {
    address = {Times::once, {at + 2, 0, command[at + 2]}};
  }
  int given = (address.times != Times::never) + (port.times != Times::never) + (path.times != Times::never);
  bool often = address.times == Times::often || port.times == Times::often || path.times == Times::often;
  if (given != 1 || often) return std::nullopt;
  bool read = false;
  if (address.times == Times::once) {
    read = read_address(out, address.found);
  } else if (port.times == Times::once) {
    read = read_parts(out, server, port, host);
  } else if (path.found.value.starts_with('/')) {
    out.address = "unix:" + path.found.value;
    out.unix_socket = true;
    replace(out.command, path.found, "{socket}");
    read = true;
  }
  return read ? std::optional(std::move(out)) : std::nullopt;
}

std::string web_hint(const std::vector<std::string>& command) {
  static const Options kSigns = {"--port", "--bind",        "--listen",  "--http",     "--http-socket",
                                 "--host", "--listen-addr", "--address", "-listen",    "-port",
                                 "-addr",  "--addr",        "runserver", "--http-port"};
  Words words = command;
  const bool shell = command.size() == 3 && command[1] == "-c";
  if (shell) {
    auto read = config::read_words(command[2]);
    if (read) words = std::move(read->words);
  }
  const bool known =
      !shell && find_server(command).has_value() && !among({"java", "php"}, base_name(command.front()));
  bool looks = known;
  for (const std::string& word : words) looks = looks || among(kSigns, word.substr(0, word.find('=')));
  if (!looks) return {};
  return std::string(known ? "a web server whose address is not in the command; "
                           : "if this is a web server, ") +
         "to put it behind the proxy, remove endpoint = \"none\", let the command listen on 127.0.0.1:{port} "
         "(also in "
         "$PORT), and add listen = \"0.0.0.0:8080\" and health = \"/health\"";
}

}  // namespace gracevisor::migrate
