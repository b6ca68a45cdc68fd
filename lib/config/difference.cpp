#include "config/difference.h"

#include <concepts>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/describe.h"
#include "config/keys.h"

namespace gracevisor::config {
namespace {

// A codec of one of several rows for the same member, which compares only what its row says of it.
template <class Codec, class M>
concept JudgesShare = requires(const M& one, const M& other) {
  { Codec::same(one, other) } -> std::same_as<bool>;
};

// Looks at one structure and then, in the same order, at the other.
class Differ {
 public:
  template <class Codec, class... M>
  void operator()(const Key& key, const Codec& /*codec*/, const M&... members) {
    if (key.compared == Compared::as_resolved) return;
    compare<Codec>(key, members...);
  }
  // The row that keeps the members compares them, unless this one has its own share of them.
  template <class Codec, class... M>
  void also(const Key& key, const Codec& /*codec*/, const M&... members) {
    if constexpr (sizeof...(M) > 0 && (JudgesShare<Codec, M> && ...)) compare<Codec>(key, members...);
  }
  template <class Codec, class M, class... C>
  void table(const Key& key, const Codec& /*codec*/, const M& value, const C&... /*context*/) {
    const std::string outer = std::exchange(prefix_, prefix_ + std::string(key.name) + ".");
    keys(*this, value);
    prefix_ = outer;
  }
  void kept(std::string_view /*name*/, const auto& /*member*/) {}

  void look_at_second() { first_ = false; }
  [[nodiscard]] std::vector<Difference> take() { return std::move(found_); }

 private:
  template <class Codec, class... M>
  void compare(const Key& key, const M&... members) {
    bool same = true;
    const auto look = [&](std::string_view /*name*/, const auto& value) {
      if (first_) {
        seen_.push_back(&value);
      } else {
        same = equal<Codec>(value) && same;
      }
    };
    for_each_kept(key, look, members...);
    if (!same) found_.push_back({prefix_ + std::string(key.name), key.takes, {}, {}});
  }
  // Compares `value` with the same member of the first structure: the rows come in the same order.
  template <class Codec, class Member>
  bool equal(const Member& value) {
    const Member& first = *static_cast<const Member*>(seen_.at(next_++));
    if constexpr (JudgesShare<Codec, Member>) {
      return Codec::same(first, value);
    } else {
      return first == value;
    }
  }

  bool first_ = true;
  std::string prefix_;
  std::vector<const void*> seen_;
  std::size_t next_ = 0;
  std::vector<Difference> found_;
};

// Every key's value as TOML, by its name.
void add_texts(const Section& section, std::map<std::string, std::string>& into) {
  for (const Line& line : section.lines) {
    into.emplace((section.path + "." + std::string(line.key.name)).substr(1), line.text);
  }
  for (const Section& inner : section.sections) add_texts(inner, into);
}
template <class T>
std::map<std::string, std::string> texts_of(const T& value) {
  std::map<std::string, std::string> texts;
  add_texts(describe("", "", value), texts);
  return texts;
}

template <class T>
std::vector<Difference> differences(const T& from, const T& to) {
  Differ differ;
  keys(differ, from);
  differ.look_at_second();
  keys(differ, to);
  std::vector<Difference> found = differ.take();
  if (found.empty()) return found;
  const auto before = texts_of(from);
  const auto after = texts_of(to);
  for (Difference& difference : found) {
    if (auto text = before.find(difference.name); text != before.end()) difference.from = text->second;
    if (auto text = after.find(difference.name); text != after.end()) difference.to = text->second;
  }
  return found;
}

}  // namespace

std::vector<Difference> find_differences(const App& from, const App& to) {
  return differences(from, to);
}
std::vector<Difference> find_differences(const Daemon& from, const Daemon& to) {
  return differences(from, to);
}
std::vector<Difference> find_differences(const Listener& from, const Listener& to) {
  return differences(from, to);
}
std::vector<Difference> find_differences(const Health& from, const Health& to) {
  return differences(from, to);
}
std::vector<Difference> find_differences(const DaemonLog& from, const DaemonLog& to) {
  return differences(from, to);
}

}  // namespace gracevisor::config
