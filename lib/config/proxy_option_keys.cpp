// [app.NAME.proxy_options]: reading what is more than a number or a word.
#include "config/proxy_option_keys.h"

#include <algorithm>

#include "base/accounts.h"
#include "base/file.h"
#include "base/safe_path.h"
#include "config/header_texts.h"

namespace gracevisor::config {
namespace {

// Framing and hop-by-hop fields belong to the proxy; a rule on these would break messages.
bool is_ours(std::string_view name) {
  static constexpr std::string_view kOurs[] = {
      "connection", "content-length",    "host",    "keep-alive", "te",
      "trailer",    "transfer-encoding", "upgrade", "x-gv-error"};
  return std::find(std::begin(kOurs), std::end(kOurs), lower_case(name)) != std::end(kOurs);
}

std::optional<std::string_view> objection_to(std::string_view name) {
  if (!is_header_name(name)) return "not a header's name";
  if (is_ours(name)) return "the proxy writes this header itself";
  return std::nullopt;
}

bool check_name(Reading& reading, const Item& element, std::string_view name) {
  const auto objection = objection_to(name);
  if (objection) reading.error(element, std::string(*objection));
  return !objection;
}

// "502", "500-599" or "5xx".
base::Expected<StatusRange> parse_page_statuses(std::string_view text) {
  std::string plain(text);
  if (text.size() == 3 && text.ends_with("xx")) plain = std::string(1, text[0]) + "00-" + text[0] + "99";
  auto ranges = parse_statuses(plain);
  if (ranges && ranges->size() == 1 && ranges->front().first >= 400) return ranges->front();
  return base::fail(R"(expected a status or statuses from 400 on such as "502" or "5xx", found )" +
                    quote_briefly(text));
}

// Root reads it, and everyone is shown it.
base::Expected<std::string> read_page(const Reading& reading, const std::filesystem::path& file) {
  base::PathRules rules;
  if (reading.user().root()) rules.trust = base::daemon_trust(reading.user().config_owner.value_or(0));
  auto opened = base::open_to_show(file, rules);
  if (!opened) return std::unexpected(std::move(opened.error().error));
  return base::read_all(opened->fd.get(), file.string(), kMostPage);
}

}  // namespace

void BalanceWord::read(Reading& reading, const Item& item, ProxyOptions::Balance& balance, std::string& key) {
  using Balance = ProxyOptions::Balance;
  auto chosen = OneOf{kBalances}.value(reading, item);
  if (!chosen) return;
  const std::string_view word = word_of<Balance>(kBalances, *chosen);
  std::string_view name = std::get<std::string>(item.value.data);
  name.remove_prefix(std::min(name.size(), word.size()));
  const bool keyed = *chosen == Balance::hash_header || *chosen == Balance::hash_cookie;
  if (keyed && !is_header_name(name)) {
    return reading.error(item, std::string("expected the name of a ") +
                                   (*chosen == Balance::hash_header ? "header" : "cookie") + " after " +
                                   quote(word));
  }
  balance = *chosen;
  key = keyed ? name : std::string_view();
}

std::string BalanceWord::text(const ProxyOptions::Balance& balance, const std::string& key) {
  return quote(std::string(word_of<ProxyOptions::Balance>(kBalances, balance)) + key);
}

void read_set(Reading& reading, const Item& item, HeaderSet& set) {
  const auto objection = [&set](const std::string& name) -> std::optional<std::string_view> {
    if (auto why = objection_to(name)) return why;
    const bool twice = std::ranges::any_of(
        set, [&](const auto& other) { return lower_case(other.first) == lower_case(name); });
    return twice ? std::optional<std::string_view>("the same header twice, as names have no case")
                 : std::nullopt;
  };
  read_headers(reading, item, R"({ X-Frame-Options = "DENY" })", objection, set);
}

void read_remove(Reading& reading, const Item& item, std::vector<std::string>& names) {
  for (const Item& element : reading.texts(item, "a header's name or a list of names")) {
    const auto& name = std::get<std::string>(element.value.data);
    if (check_name(reading, element, name)) names.push_back(name);
  }
}

void read_trailers(Reading& reading, const Item& item, std::vector<std::string>& trailers) {
  for (const Item& element : reading.texts(item, "a trailer field's name or a list of names")) {
    const auto& name = std::get<std::string>(element.value.data);
    // Fields that a head needs can never come after the body (RFC 9110 section 6.5.1).
    static constexpr std::string_view kNever[] = {"authorization", "cache-control", "content-encoding",
                                                  "content-range", "content-type",  "cookie",
                                                  "set-cookie",    "expect",        "max-forwards"};
    std::string lower = lower_case(name);
    if (!check_name(reading, element, name)) continue;
    const bool ours = lower.starts_with("x-gv-");  // a client must be able to trust that these come from us
    if (ours || std::find(std::begin(kNever), std::end(kNever), lower) != std::end(kNever)) {
      reading.error(element, "this header cannot be a trailer");
    } else {
      trailers.push_back(std::move(lower));
    }
  }
}

void read_error_pages(Reading& reading, const Item& item, ErrorPages& pages) {
  const Table* table = reading.table(item, R"(a table such as { 5xx = "/srv/sorry.html" })");
  if (table == nullptr) return;
  for (const Entry& entry : *table) {
    Item page{item.path + "." + key_text(entry.key), entry.value};
    auto statuses = parse_page_statuses(entry.key);
    if (!statuses) {
      reading.error(entry.source, page.path, statuses.error().what);
      continue;
    }
    auto file = reading.path(page, "an HTML file's path");
    if (!file) continue;
    auto html = read_page(reading, *file);
    if (html) {
      pages.push_back({*statuses, *file, std::move(*html)});
    } else {
      reading.error(page, html.error().what);
    }
  }
}

std::string error_pages_text(const ErrorPages& pages) {
  std::vector<std::pair<std::string, std::string>> items;
  items.reserve(pages.size());
  for (const ErrorPage& page : pages) {
    items.emplace_back(statuses_text({page.statuses}), page.file.string());
  }
  return items.empty() ? std::string() : map_text(items);
}

}  // namespace gracevisor::config
