#include "config/recheck.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <concepts>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/one_line.h"
#include "config/draft.h"
#include "config/keys.h"

namespace gracevisor::config {
namespace {

constexpr std::size_t kLongestError = 400;

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What is a string in the files, and must come out of its codec as it went in.
template <class T>
concept IsText = std::same_as<T, std::string> || std::same_as<T, std::optional<std::string>> ||
                 std::same_as<T, std::vector<std::string>>;
// What its row's text does not tell, but a check below does.
template <class T>
concept IsCheckedApart =
    std::same_as<T, Routes> || std::same_as<T, ErrorPages> || std::same_as<T, std::vector<Cidr>>;

Value string_value(std::string text) {
  return {.source = {}, .data = std::move(text)};
}

// As the files would say it. Not by way of TOML where it is a string, as paths need not be UTF-8.
Value value_of(const std::string& value, const std::string& /*text*/, Findings& /*findings*/) {
  return string_value(value);
}
Value value_of(const std::filesystem::path& value, const std::string& /*text*/, Findings& /*findings*/) {
  return string_value(value.string());
}
Value value_of(const std::optional<std::string>& value, const std::string& /*text*/, Findings& /*findings*/) {
  return string_value(value.value_or(""));
}
Value value_of(const std::vector<std::string>& values, const std::string& /*text*/, Findings& /*findings*/) {
  Array array;
  for (const std::string& value : values) array.push_back(string_value(value));
  return {.source = {}, .data = std::move(array)};
}
Value value_of(const std::vector<std::filesystem::path>& paths, const std::string& /*text*/,
               Findings& /*findings*/) {
  Array array;
  for (const std::filesystem::path& path : paths) array.push_back(string_value(path.string()));
  return {.source = {}, .data = std::move(array)};
}
Value value_of(const EnvironmentFiles& files, const std::string& /*text*/, Findings& /*findings*/) {
  Array array;
  for (const EnvironmentFile& file : files) {
    array.push_back(string_value((file.optional ? "?" : "") + file.path.string()));
  }
  return {.source = {}, .data = std::move(array)};
}
// Their texts are masked.
Value value_of(const Pairs& pairs, const std::string& /*text*/, Findings& /*findings*/) {
  Table table;
  for (const auto& [key, value] : pairs) table.push_back({key, {}, string_value(value)});
  return {.source = {}, .data = std::move(table)};
}
Value value_of(const Environment& environment, const std::string& text, Findings& findings) {
  return value_of(Pairs(environment.begin(), environment.end()), text, findings);
}
template <class T>
Value value_of(const T& /*value*/, const std::string& text, Findings& findings) {
  Table table = parse("value = " + text, "", findings);
  return table.empty() ? Value() : std::move(table.front().value);
}

// A visitor of the table of keys.
class Recheck {
 public:
  explicit Recheck(std::string path) : path_(std::move(path)) {}

  template <class Codec, class... M>
  void operator()(const Key& key, const Codec& codec, const M&... members) {
    judge<true>(key, codec, members...);
  }
  // Another row judges what both set, unless each has its share.
  template <class Codec, class... M>
  void also(const Key& key, const Codec& codec, const M&... members) {
    if constexpr (sizeof...(M) > 0 && requires { Codec::same(members..., members...); }) {
      judge<false>(key, codec, members...);
    }
  }
  template <class Codec, class M, class... C>
  void table(const Key& key, const Codec& /*codec*/, const M& value, const C&... /*context*/) {
    if constexpr (!std::is_empty_v<M>) {
      const std::string outer = std::exchange(path_, below(key.name));
      keys(*this, value);
      path_ = outer;
    }
  }
  void kept(std::string_view /*name*/, const auto& /*member*/) {}

  [[nodiscard]] base::Expected<void> result() const {
    return misfit_.empty() ? base::Expected<void>() : base::fail(misfit_);
  }

 private:
  [[nodiscard]] std::string below(std::string_view key) const { return fmt::format("{}.{}", path_, key); }

  template <bool kKeeps, class Codec, class First, class... M>
  void judge(const Key& key, const Codec& codec, const First& first, const M&... others) {
    using T = std::remove_cvref_t<decltype(member(first))>;
    if (!misfit_.empty()) return;
    // An enumerator or a truth value can have no other value.
    constexpr bool kCannotMisfit = sizeof...(M) == 0 && (std::is_enum_v<T> || std::same_as<T, bool>);
    if constexpr (IsCheckedApart<T> || kCannotMisfit) {
      return;
    } else if constexpr (requires { codec.bounds; }) {
      judge_bounds(key, codec, member(first));
    } else {
      read_again<kKeeps>(key, codec, member(first), member(others)...);
    }
  }

  template <class Codec, class T>
  void judge_bounds(const Key& key, const Codec& codec, const std::optional<T>& value) {
    if (value) judge_bounds(key, codec, *value);
  }
  template <class Codec, class T>
  void judge_bounds(const Key& key, const Codec& codec, const T& value) {
    if constexpr (std::integral<T>) {
      if (std::cmp_greater_equal(value, codec.bounds.least) && std::cmp_less_equal(value, codec.bounds.most))
        return;
    } else {
      if (value >= codec.bounds.least && value <= codec.bounds.most) return;
    }
    misfit_ = fmt::format("{}: {} is not {}", below(key.name), Codec::text(value), codec.kind());
  }

  template <bool kKeeps, class Codec, class First, class... M>
  void read_again(const Key& key, const Codec& codec, const First& first, const M&... others) {
    const std::string text = codec.text(first, others...);
    if (text.empty() && !(std::same_as<First, std::string> && requires { codec.parse; })) return;  // not set
    Findings findings;
    const Item item{below(key.name), value_of(first, text, findings)};
    // No user is a stranger to root.
    const DaemonUser user{};
    Reading reading(findings, user);
    std::tuple<First, M...> again;
    if constexpr (requires { codec.value(reading, item); }) {
      auto value = codec.value(reading, item);
      if constexpr (std::same_as<First, decltype(value)>) {
        std::get<0>(again) = std::move(value);
      } else if (value) {
        std::get<0>(again) = std::move(*value);
      }
    } else {
      std::apply([&](auto&... members) { codec.read(reading, item, members...); }, again);
    }
    if (findings.failed()) {
      misfit_ = base::one_line(findings.take_errors().front().text, kLongestError);
    } else if constexpr (kKeeps && IsText<First>) {
      if (std::get<0>(again) != first) misfit_ = item.path + ": is not as a configuration has it";
    } else if constexpr (std::same_as<First, std::filesystem::path>) {
      if (!first.empty() && !first.is_absolute()) misfit_ = item.path + ": is not absolute";
    }
  }

  std::string path_;
  std::string misfit_;
};

base::Expected<void> judge_keys(const std::string& path, const auto& value) {
  Recheck recheck(path);
  keys(recheck, value);
  return recheck.result();
}

base::Expected<void> check_pages(const App& app) {
  for (const ErrorPage& page : app.proxy_options.error_pages) {
    const auto& [statuses, file, html] = page;
    const bool sound = statuses.first >= 400 && statuses.first <= statuses.last && statuses.last <= 599 &&
                       file.is_absolute() && html.size() <= kMostPage;
    if (!sound) return base::fail("proxy_options.error_pages: is not as a configuration has it");
  }
  return {};
}

base::Expected<void> check_own_routes(const App& app) {
  for (std::size_t i = 0; i < app.routes.size(); ++i) {
    if (auto sound = judge_keys(fmt::format("routes[{}]", i), app.routes[i]); !sound) return sound;
  }
  if (is_routed(app.endpoint) && app.routes.empty()) return base::fail("routes: there is none");
  return {};
}

base::Expected<void> check_app(const App& app, const std::set<std::string_view>& listeners) {
  if (!valid_name(app.name) || app.name == "all") return base::fail("name: no app can have it");
  if (app.command.empty()) return base::fail("command: the command is empty");
  if (app.scaled_from && (*app.scaled_from < 1 || *app.scaled_from > kMostInstances)) {
    return base::fail(fmt::format("scaled_from: {} is out of range", *app.scaled_from));
  }
  if (!is_routed(app.endpoint) && !app.listen.empty()) {
    return base::fail(R"(listen: has no meaning with endpoint = "none")");
  }
  for (const std::string& name : app.listen) {
    if (listeners.contains(name)) continue;
    return base::fail("listen: there is no listener " + base::one_line(quote_briefly(name), kLongestError));
  }
  // Without a path nothing is asked of the answer.
  const Health usual;
  const bool asks = app.health.path != usual.path || app.health.expect != usual.expect;
  if (!app.health.path_given && asks) return base::fail("health.path_given: a path or statuses were given");
  for (const EnvironmentFile& file : app.environment_file) {
    if (!file.path.is_absolute()) return base::fail("environment_file: is not absolute");
  }
  for (const std::filesystem::path& path : app.read_only) {
    if (!path.is_absolute()) return base::fail("read_only: is not absolute");
  }
  if (auto sound = check_pages(app); !sound) return sound;
  return check_own_routes(app);
}

base::Expected<void> check_listener(const Listener& listener) {
  const auto& addresses = listener.addresses;
  if (addresses.empty()) return base::fail("addresses: there is none");
  // An app's own listener is named by its address.
  if (!valid_name(listener.name) && (addresses.size() != 1 || listener.name != addresses.front().text())) {
    return base::fail("name: no listener can have it");
  }
  // A network of IPv4 mapped into IPv6 has its long prefix, and its text is IPv4's.
  // A record without the address gives one of no family.
  const auto is_network = [](const Cidr& cidr) {
    const int family = cidr.network.family();
    return (family == AF_INET || family == AF_INET6) && cidr.prefix <= 128;
  };
  if (!std::ranges::all_of(listener.trusted_proxies, is_network)) {
    return base::fail("trusted_proxies: is no network");
  }
  return {};
}

// Judges one after the other, and that each has a name of its own.
template <class T>
base::Expected<void> check_all(std::string_view table, const std::vector<T>& all, const auto& check) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", table, i);
    if (auto sound = judge_keys(path, all[i]); !sound) return sound;
    if (auto sound = check(all[i]); !sound) return base::fail(path + "." + sound.error().what);
    if (!names.insert(all[i].name).second) return base::fail(path + ".name: another one has it");
  }
  return {};
}

}  // namespace

base::Expected<void> recheck(const Config& config) {
  if (auto sound = judge_keys("daemon", config.daemon); !sound) return sound;
  if (auto sound = check_all("listeners", config.listeners, check_listener); !sound) return sound;
  std::set<std::string_view> listeners;
  for (const Listener& listener : config.listeners) listeners.insert(listener.name);
  return check_all("apps", config.apps, [&](const App& app) { return check_app(app, listeners); });
}

}  // namespace gracevisor::config
