// The keys of [app.NAME] about what is started: command, directory, environment, user.
#include <fmt/format.h>

#include <algorithm>

#include "config/app_keys.h"
#include "config/substitute.h"
#include "config/words.h"

namespace gracevisor::config {
namespace {

// Any value will do: only the placeholders' names are checked. Whether {port} and {socket} have a value is
// checked later, with the endpoint.
void check_placeholders(Reading& reading, const Item& item, std::string_view text) {
  Values values;
  for (std::string_view name : kPlaceholders) values.emplace(name, "");
  if (auto filled = substitute(text, values); !filled) reading.error(item, filled.error().what);
}

std::string shell_hint(std::string_view syntax) {
  std::string text = quote_briefly(syntax) + " means nothing here, as there is no shell: ";
  if (syntax.starts_with('$')) return text + "use {port} and other placeholders, or sh -c '...'";
  if (syntax == "~") return text + "write the whole path";
  if (syntax.find('=') != std::string_view::npos) return text + "set variables in environment";
  return text + "quote it, or use sh -c '...'";
}

bool valid_variable(std::string_view name) {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return c == '=' || byte <= 0x20 || byte == 0x7f;
  });
}

}  // namespace

void read_command(Reading& reading, const Item& item, std::vector<std::string>& command) {
  constexpr std::string_view kExpected = "a command as a list of strings or as one string";
  if (const auto* line = std::get_if<std::string>(&item.value.data)) {
    if (!reading.text(item)) return;
    auto read = read_words(*line);
    if (!read) return reading.error(item, read.error().what);
    if (!read->shell_syntax.empty()) return reading.error(item, shell_hint(read->shell_syntax));
    command = std::move(read->words);
    for (const std::string& word : command) check_placeholders(reading, item, word);
  } else if (std::holds_alternative<Array>(item.value.data)) {
    for (const Item& element : reading.texts(item, kExpected)) {
      command.push_back(std::get<std::string>(element.value.data));
      check_placeholders(reading, element, command.back());
    }
    if (command.size() < std::get<Array>(item.value.data).size()) return;  // reported one by one
  } else {
    return reading.wrong_type(item, kExpected);
  }
  if (command.empty() || command.front().empty()) {
    reading.error(item, "the command is empty");
  } else if (auto hint = tilde_hint(command.front()); !hint.empty()) {
    reading.error(item, hint);
  }
}

std::string names_text(const std::vector<std::string>& names) {
  return names.empty() ? std::string() : list_text(names);
}

std::string directory_text(const std::filesystem::path& directory) {
  return quote_if_set(directory.string());
}

void read_environment(Reading& reading, const Item& item, Environment& environment) {
  const Table* table = reading.table(item, R"(a table such as { RAILS_ENV = "production" })");
  if (table == nullptr) return;
  for (const Entry& entry : *table) {
    Item variable{item.path + "." + key_text(entry.key), entry.value};
    if (!valid_variable(entry.key)) {
      reading.error(entry.source, variable.path,
                    R"(a variable's name has no spaces and no "=", and is not empty)");
      continue;
    }
    auto text = reading.text(variable, "a string (numbers too are written in quotes)");
    if (!text) continue;
    check_placeholders(reading, variable, *text);
    environment[entry.key] = *text;
  }
}

// Values may be secrets; names are not.
std::string environment_text(const Environment& environment) {
  return masked_text({environment.begin(), environment.end()});
}

void read_environment_files(Reading& reading, const Item& item, EnvironmentFiles& files) {
  for (const Item& element : reading.texts(item, "a file's path or a list of paths")) {
    std::string text = std::get<std::string>(element.value.data);
    EnvironmentFile file;
    file.optional = text.starts_with('?');
    if (file.optional) text.erase(0, 1);
    if (text.empty()) {
      reading.error(element, "expected a file's path, found " +
                                 quote_briefly(std::get<std::string>(element.value.data)));
    } else if (auto hint = tilde_hint(text); !hint.empty()) {
      reading.error(element, hint);
    } else {
      file.path = beside(element.value.source.file, text);
      files.push_back(std::move(file));
    }
  }
}

std::string environment_files_text(const EnvironmentFiles& files) {
  std::vector<std::string> items;
  items.reserve(files.size());
  for (const EnvironmentFile& file : files) items.push_back((file.optional ? "?" : "") + file.path.string());
  return list_text(items);
}

void read_user(Reading& reading, const Item& item, std::string& user) {
  auto text = reading.text(item, R"(a user such as "www-data" or "www-data:www-data")");
  if (!text) return;
  const DaemonUser& daemon = reading.user();
  auto colon = text->find(':');
  std::string name = text->substr(0, colon);
  std::string group = colon == std::string::npos ? "" : text->substr(colon + 1);
  if (!valid_account(name) || (colon != std::string::npos && !valid_account(group))) {
    return reading.error(
        item, R"(expected a user such as "www-data" or "www-data:www-data", found )" + quote_briefly(*text));
  }
  bool same_user = name == daemon.user || name == std::to_string(daemon.uid);
  bool same_group = group.empty() || group == daemon.group || group == std::to_string(daemon.gid);
  if (!daemon.root() && !(same_user && same_group)) {
    const std::string who = daemon.user.empty() ? std::to_string(daemon.uid) : daemon.user;
    const std::string other = quote_briefly(*text);
    if (!daemon.checks) {
      return reading.error(
          item, fmt::format("the daemon runs as {}, and only root can start an app as {}", who, other));
    }
    reading.findings().warning(
        item.value.source,
        fmt::format("{}: a daemon of {} could not start an app as {}: only root can", item.path, who, other));
  }
  user = *text;
}

}  // namespace gracevisor::config
