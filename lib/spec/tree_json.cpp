#include "spec/tree_json.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "config/nesting.h"

namespace gracevisor::spec {
namespace {

using config::Array;
using config::Entry;
using config::Table;
using config::Value;

// Each level of brackets may have a key of that many parts.
constexpr std::size_t kMostDepth = (config::kMostBrackets + 1UL) * (config::kMostKeyParts + 1UL);

Json value_to_json(const Value& value);

Json table_to_json(const Table& table) {
  Json entries = Json::array();
  for (const Entry& entry : table) {
    Json one = Json::array();
    one.push_back(string_to_json(entry.key));
    one.push_back(entry.source.line);
    one.push_back(entry.source.column);
    one.push_back(value_to_json(entry.value));
    entries.push_back(std::move(one));
  }
  return entries;
}

Json data_to_json(const std::string& text) {
  return string_to_json(text);
}
Json data_to_json(std::int64_t number) {
  return number;
}
Json data_to_json(double number) {
  return Json{{"float", fmt::format("{}", number)}};  // may be infinite, which JSON cannot say
}
Json data_to_json(bool flag) {
  return flag;
}
Json data_to_json(Value::Date /*date*/) {
  return {};
}
Json data_to_json(const Array& array) {
  Json values = Json::array();
  for (const Value& value : array) values.push_back(value_to_json(value));
  return values;
}
Json data_to_json(const Table& table) {
  return Json{{"table", table_to_json(table)}};
}

Json value_to_json(const Value& value) {
  Json json = Json::array();
  json.push_back(value.source.line);
  json.push_back(value.source.column);
  json.push_back(std::visit([](const auto& data) { return data_to_json(data); }, value.data));
  return json;
}

// Everything of one file's tree. False on a misfit.
class TreeReader {
 public:
  explicit TreeReader(const std::string& file) : file_(file) {}

  // Where the first misfit is, within the tree.
  [[nodiscard]] const std::string& misfit() const { return misfit_; }

  [[nodiscard]] bool read(const Json& json, Table& table) {
    if (!json.is_array()) return false;
    for (std::size_t i = 0; i < json.size(); ++i) {
      if (!read_entry(json[i], table.emplace_back())) return at(i);
    }
    return true;
  }

 private:
  // Notes the way to a misfit, from within.
  bool at(std::size_t index) {
    misfit_ = fmt::format("[{}]{}", index, misfit_);
    return false;
  }

  bool read_source(const Json& json, std::size_t first, config::Source& source) {
    source.file = file_;
    if (!base::take_value(json[first], source.line)) return at(first);
    if (!base::take_value(json[first + 1], source.column)) return at(first + 1);
    return true;
  }

  bool read_entry(const Json& json, Entry& entry) {
    if (!json.is_array() || json.size() != 4) return false;
    auto key = string_from_json(json[0]);
    if (!key) return at(0);
    entry.key = std::move(*key);
    if (!read_source(json, 1, entry.source)) return false;
    return read_value(json[3], entry.value) || at(3);
  }

  bool read_value(const Json& json, Value& value) {
    if (!json.is_array() || json.size() != 3) return false;
    if (!read_source(json, 0, value.source)) return false;
    if (depth_ >= kMostDepth) return at(2);
    ++depth_;
    const bool sound = read_data(json[2], value);
    --depth_;
    return sound || at(2);
  }

  bool read_data(const Json& json, Value& value) {
    if (json.is_null()) {
      value.data = Value::Date{};
      return true;
    }
    if (json.is_boolean()) return base::take_value(json, value.data.emplace<bool>());
    if (json.is_number()) return base::take_value(json, value.data.emplace<std::int64_t>());
    if (json.is_array()) return read_array(json, value.data.emplace<Array>());
    if (json.is_object() && json.contains("table")) return read(json["table"], value.data.emplace<Table>());
    if (json.is_object() && json.contains("float")) {
      return read_float(json["float"], value.data.emplace<double>());
    }
    auto text = string_from_json(json);
    if (text) value.data = std::move(*text);
    return text.has_value();
  }

  bool read_array(const Json& json, Array& array) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      if (!read_value(json[i], array.emplace_back())) return at(i);
    }
    return true;
  }

  static bool read_float(const Json& json, double& number) {
    const auto* text = json.get_ptr<const Json::string_t*>();
    if (text == nullptr) return false;
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
    return code == std::errc() && end == text->data() + text->size();
  }

  const std::string& file_;
  std::string misfit_;
  std::size_t depth_ = 0;
};

// Without its tree.
struct FileHead {
  std::string name;
  uid_t owner = 0;
  bool of_app_folder = false;
  base::FileStamp stamp = {};
};
void fields(auto& archive, config::IsA<FileHead> auto& value) {
  auto& [name, owner, of_app_folder, stamp] = value;
  archive.kept("name", name);
  archive.kept("owner", owner);
  archive.kept("of_app_folder", of_app_folder);
  archive.kept("stamp", stamp);
}

// The misfit's path within it; unset: there is none.
std::optional<std::string> read_file(const Json& json, config::File& file) {
  StateReader reader;
  FileHead head;
  if (!reader.decode(json, head)) return reader.misfit().empty() ? "" : "." + reader.misfit();
  if (head.name.empty()) return ".name";
  file = {.name = std::move(head.name),
          .tree = {},
          .owner = head.owner,
          .of_app_folder = head.of_app_folder,
          .stamp = head.stamp};
  const auto tree = json.find("tree");
  TreeReader trees(file.name);
  if (tree != json.end() && trees.read(*tree, file.tree)) return std::nullopt;
  return ".tree" + trees.misfit();
}

}  // namespace

Json files_to_json(const config::Files& files) {
  Json json = Json::array();
  for (const config::File& file : files) {
    const auto& [name, tree, owner, of_app_folder, stamp] = file;
    Json one = StateWriter::encode(FileHead{name, owner, of_app_folder, stamp});
    one["tree"] = table_to_json(tree);
    json.push_back(std::move(one));
  }
  return json;
}

base::Expected<config::Files> files_from_json(const Json& json) {
  if (!json.is_array() || json.empty() || json.size() > config::kMostFiles) return base::fail("");
  config::Files files;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto misfit = read_file(json[i], files.emplace_back());
    if (misfit) return base::fail(fmt::format("[{}]{}", i, *misfit));
  }
  // The main file is never one of the folder's.
  if (files.front().of_app_folder) return base::fail("[0].of_app_folder");
  return files;
}

}  // namespace gracevisor::spec
