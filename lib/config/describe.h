// The visitor that shows a structure as its keys with their values: what --defaults, --check --print and
// gracevisor.toml(5) print. Internal to config/. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/codecs.h"
#include "config/key.h"

namespace gracevisor::config {

struct Line {
  Key key;
  std::string text;  // the value as TOML; empty: not set
  std::string kind;  // what may be written
  bool later = false;
};
struct Section {
  std::string path;  // "app.web.health"
  std::string_view comment;
  std::vector<Line> lines;
  std::vector<Section> sections;
  bool later = false;
};

template <class T>
[[nodiscard]] Section describe(std::string path, std::string_view comment, const T& value);

class Describer {
 public:
  explicit Describer(Section& section) : section_(&section) {}

  template <class Codec, class... M>
  void operator()(const Key& key, const Codec& codec, const M&... members) {
    section_->lines.push_back({key, codec.text(member(members)...), codec.kind(), kIsLater<Codec>});
  }
  template <class Codec, class... M>
  void also(const Key& key, const Codec& codec, const M&... members) {
    (*this)(key, codec, members...);
  }
  template <class Codec, class M, class... C>
  void table(const Key& key, const Codec& codec, const M& value, const C&... context) {
    const std::string path = section_->path + "." + std::string(key.name);
    section_->sections.push_back(codec.has_meaning(value, member(context)...)
                                     ? describe(path, key.comment, value)
                                     : Section{path, key.comment, {}, {}});
    section_->sections.back().later = kIsLater<Codec>;
  }
  void kept(std::string_view /*name*/, const auto& /*member*/) {}

 private:
  Section* section_;
};

template <class T>
Section describe(std::string path, std::string_view comment, const T& value) {
  Section section{std::move(path), comment, {}, {}};
  Describer describer(section);
  keys(describer, value);
  return section;
}

}  // namespace gracevisor::config
