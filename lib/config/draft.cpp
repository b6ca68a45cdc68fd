#include "config/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "config/keys.h"
#include "config/read_table.h"

namespace gracevisor::config {
namespace {

class DraftReader {
 public:
  DraftReader(const DaemonUser& user, Findings& findings) : reading_(findings, user) {
    draft_.daemon.runtime_dir = user.runtime_dir;
    draft_.daemon.state_dir = user.state_dir;
  }

  void read(const File& file) {
    for (const Entry& entry : file.tree) {
      Item item{key_text(entry.key), entry.value};
      if (file.of_app_folder && entry.key != "app") {
        reading_.error(entry.source, item.path,
                       "a file in the folder of daemon.autodiscover may only have [app.NAME] tables");
        continue;
      }
      if (entry.key == "daemon") {
        read_daemon(item);
      } else if (entry.key == "listen") {
        read_named(item, [this](const Entry& named, const Item& one) { read_listener(named, one); });
      } else if (entry.key == "app") {
        read_named(item, [this](const Entry& named, const Item& one) { read_app(named, one); });
      } else if (entry.key != "include") {  // already followed
        reading_.error(entry.source, item.path,
                       unknown_key("", entry.key, {"include", "daemon", "listen", "app"}));
      }
    }
  }

  Draft take() { return std::move(draft_); }

 private:
  void read_daemon(const Item& item) {
    const Table* table = reading_.table(item);
    if (table == nullptr) return;
    for (const Entry& entry : *table) {
      auto [first, fresh] = daemon_keys_.emplace(entry.key, entry.source);
      if (!fresh) {
        reading_.error(entry.source, item.path + "." + key_text(entry.key),
                       "is already set at " + place(first->second));
      }
      if (entry.key == "port_range") draft_.port_range = entry.value.source;
    }
    read_table(reading_, item.path, *table, draft_.daemon);
  }

  template <class Read>
  void read_named(const Item& item, const Read& read_one) {
    const Table* table = reading_.table(item, "tables such as [" + item.path + ".NAME]");
    if (table == nullptr) return;
    for (const Entry& entry : *table) {
      Item one{item.path + "." + key_text(entry.key), entry.value};
      if (!valid_name(entry.key) || entry.key == "all") {
        reading_.error(entry.source, one.path,
                       entry.key == "all"
                           ? R"("all" means all apps on the command line: choose another name)"
                           : R"(a name has 1 to 63 letters, digits, "-" and "_", and begins with a )"
                             "letter or digit");
      }
      auto [first, fresh] = names_.emplace(one.path, entry.source);
      if (!fresh) {
        reading_.error(entry.source, one.path, "is already defined at " + place(first->second));
      } else if (reading_.table(one) != nullptr) {
        read_one(entry, one);
      }
    }
  }

  void read_listener(const Entry& entry, const Item& item) {
    const auto& table = std::get<Table>(entry.value.data);
    ListenerDraft& draft = draft_.listeners.emplace_back(ListenerDraft{{}, item.path, &table});
    draft.listener.name = entry.key;
    draft.listener.source = entry.source;
    read_table(reading_, item.path, table, draft.listener);
    const Entry* address = find(table, "address");
    const Array* list = address == nullptr ? nullptr : std::get_if<Array>(&address->value.data);
    if (address == nullptr || (list != nullptr && list->empty())) {
      reading_.error(address == nullptr ? entry.source : address->value.source, item.path,
                     R"(a listener needs an address, such as address = "*:80")");
    }
  }

  void read_app(const Entry& entry, const Item& item) {
    const auto& table = std::get<Table>(entry.value.data);
    AppDraft& draft = draft_.apps.emplace_back(AppDraft{{}, item.path, &table});
    draft.app.name = entry.key;
    draft.app.source = entry.source;
    read_table(reading_, item.path, table, draft.app);
  }

  Reading reading_;
  std::map<std::string, Source> daemon_keys_;
  std::map<std::string, Source> names_;  // by "app.web", "listen.public"
  Draft draft_;
};

}  // namespace

bool valid_name(std::string_view name) {
  constexpr std::size_t kLongest = 63;
  auto alphanumeric = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return !name.empty() && name.size() <= kLongest && alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alphanumeric(c) || c == '_' || c == '-'; });
}

Source source_of(const AppDraft& draft, std::string_view key) {
  const Entry* entry = find(*draft.table, key);
  return entry == nullptr ? draft.app.source : entry->value.source;
}

Source source_of(const AppDraft& draft, std::string_view table, std::string_view key) {
  const Entry* entry = find(*draft.table, table);
  const Table* inner = entry == nullptr ? nullptr : std::get_if<Table>(&entry->value.data);
  const Entry* found = inner == nullptr ? nullptr : find(*inner, key);
  return found == nullptr ? source_of(draft, table) : found->value.source;
}

Draft read_draft(const Files& files, const DaemonUser& user, Findings& findings) {
  DraftReader reader(user, findings);
  for (const File& file : files) reader.read(file);
  return reader.take();
}

}  // namespace gracevisor::config
