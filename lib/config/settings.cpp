#include "config/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "config/describe.h"
#include "config/difference.h"
#include "config/keys.h"

namespace gracevisor::config {
namespace {

const Line* find_line(const Section* section, std::string_view key) {
  if (section == nullptr) return nullptr;
  const auto line = std::ranges::find(section->lines, key, [](const Line& one) { return one.key.name; });
  return line == section->lines.end() ? nullptr : &*line;
}

// The long form of a key, which has no text of its own, has a place.
const Source* place_of(const Places& places, const std::string& path) {
  const Source* place = places.find_key(path);
  return place == nullptr && path.ends_with(".route") ? places.find(path + "s") : place;
}

class Collector {
 public:
  // `changed`: the keys that differ, by their names below `root`; unset: there is nothing to compare with.
  Collector(const std::string& root, std::optional<std::set<std::string>> changed, const Places& places)
      : root_(root), changed_(std::move(changed)), places_(places) {}

  // Tables that have no meaning here have no lines, but all have the same tables below them.
  void add(const Section& now, const Section* files, const Section& usual) {
    const Section& fuller = now.lines.empty() && files != nullptr ? *files : now;
    for (const Line& line : fuller.lines) {
      add_line(now.path, line.key.name, find_line(&now, line.key.name), find_line(files, line.key.name),
               find_line(&usual, line.key.name));
    }
    for (std::size_t i = 0; i < now.sections.size(); ++i) {
      const bool there = files != nullptr && i < files->sections.size();
      add(now.sections[i], there ? &files->sections[i] : nullptr, usual.sections[i]);
    }
  }

  [[nodiscard]] std::vector<Setting> take() { return std::move(found_); }

 private:
  void add_line(const std::string& table, std::string_view key, const Line* now, const Line* files,
                const Line* usual) {
    const std::string usual_text = usual == nullptr ? "" : usual->text;
    Setting setting{.table = table, .key = std::string(key), .value = now == nullptr ? "" : now->text};
    setting.usual = usual != nullptr && usual_text == setting.value;
    const std::string path = fmt::format("{}.{}", table, key);
    if (changed_) {
      const std::string text = files == nullptr ? "" : files->text;
      setting.differs = text != setting.value || changed_->contains(path.substr(root_.size() + 1));
      if (setting.differs) setting.files = text;
      const Source* place = place_of(places_, path);
      // A short form sets one key; the others of its table are as usual.
      const bool short_form = place != nullptr && place == places_.find(table);
      if (place != nullptr && !(short_form && text == usual_text)) setting.place = *place;
    }
    if (!setting.value.empty() || !setting.files.empty()) found_.push_back(std::move(setting));
  }

  const std::string& root_;
  std::optional<std::set<std::string>> changed_;
  const Places& places_;
  std::vector<Setting> found_;
};

template <class T>
std::set<std::string> changed_keys(const T& from, const T& to) {
  std::set<std::string> names;
  for (Difference& difference : find_differences(from, to)) names.insert(std::move(difference.name));
  return names;
}

template <class T>
std::vector<Setting> collect(const std::string& root, const T& now, const T* files,
                             std::optional<std::set<std::string>> changed, const Places& places,
                             const T& usual) {
  Collector collector(root, std::move(changed), places);
  const auto described = files == nullptr ? std::nullopt : std::optional(describe(root, {}, *files));
  collector.add(describe(root, {}, now), described ? &*described : nullptr, describe(root, {}, usual));
  return collector.take();
}

}  // namespace

std::vector<Setting> settings_of(const App& app, const App* files, const Places& places) {
  App usual;
  usual.routes = {Route{}};  // what an app gets that has none
  std::optional<std::set<std::string>> changed;
  if (files != nullptr) {
    changed = changed_keys(app, *files);
    if (app.environment != files->environment) changed->insert("environment");  // its text is masked
  }
  return collect("app." + app.name, app, files, std::move(changed), places, usual);
}

std::vector<Setting> settings_of(const Listener& listener, const Listener* files, const Places& places) {
  std::optional<std::set<std::string>> changed;
  if (files != nullptr) changed = changed_keys(listener, *files);
  return collect("listen." + listener.name, listener, files, std::move(changed), places, Listener{});
}

}  // namespace gracevisor::config
