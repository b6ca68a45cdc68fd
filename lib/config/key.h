// How the keys of the configuration are declared (*_keys.h). A function keys(visitor, value) for
// each TOML table names every key once, beside the member that it sets. Reading files, --defaults, --check,
// gracevisor.toml(5), the state file and the difference of two configurations are visitors of that table.
//
// A visitor has:
//   visitor(key, codec, members...)       a key, how its value is read and written, and what it sets
//   visitor.also(key, codec, members...)  a key whose members another row sets as well, or that sets nothing
//   visitor.table(key, codec, member...)  a sub-table, which has keys() of its own
//   visitor.kept(name, member)            no key, but the state file keeps the member
//
// keys() takes its structure apart with a structured binding, so a member that is added to the structure but
// forgotten there is a compile error. A default is given once, as the initial value of its member in
// config.h. Thread: any.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace gracevisor::config {

// T or const T: one table serves both writing and reading.
template <class T, class Structure>
concept IsA = std::same_as<std::remove_const_t<T>, Structure>;

// What a changed value needs to take effect: what a reload does about it.
enum class Takes : std::uint8_t {
  table,       // the next routing table: requests that begin later
  next_use,    // nothing: it is looked up when it is used
  writer,      // logs are opened again
  listener,    // listening sockets are opened or closed; or the value applies to connections accepted later
  scale,       // instances are started or stopped
  deploy,      // a deploy of the app, because its program must be started with it or understand it
  daemon,      // a restart of the daemon
  stop_start,  // the daemon stopped and started, because its record and socket are in that folder
};

// Is the value compared here, as it is written, or elsewhere, by what it resolves to?
enum class Compared : std::uint8_t { as_written, as_resolved };

struct Key {
  std::string_view name;  // as in the file
  Takes takes;
  std::string_view comment = {};  // what the codec's kind() does not say
  std::string_view example = {};  // what --defaults shows, commented out, when the default is not set
  Compared compared = Compared::as_written;
};

// A key whose value changed.
struct Difference {
  std::string name;  // "health.interval"
  Takes takes;
  // The values as TOML: empty if not set, the same for both where they may be secret.
  std::string from = {};
  std::string to = {};
  [[nodiscard]] bool takes_deploy() const { return takes == Takes::deploy; }
};

// A member that the state file keeps under a name other than the key's.
template <class T>
struct Named {
  std::string_view name;
  T& value;
};
template <class T>
[[nodiscard]] Named<T> named(std::string_view name, T& value) {
  return {name, value};
}

// A member that only helps to read or write the key's value: another row keeps it.
template <class T>
struct Context {
  T& value;
};
template <class T>
[[nodiscard]] Context<T> context(T& value) {
  return {value};
}

template <class T>
[[nodiscard]] T& member(T& value) {
  return value;  // NOLINT(bugprone-return-const-ref-from-parameter): a structure's member, never a temporary
}
template <class T>
[[nodiscard]] T& member(Named<T> named) {
  return named.value;
}
template <class T>
[[nodiscard]] T& member(Context<T> context) {
  return context.value;
}

// Calls visit(name, member) for each member that a row keeps, under the member's own name or the key's.
template <class Visit, class T>
void visit_kept(const Key& key, const Visit& visit, T& value) {
  visit(key.name, value);
}
template <class Visit, class T>
void visit_kept(const Key& /*key*/, const Visit& visit, Named<T> named) {
  visit(named.name, named.value);
}
template <class Visit, class T>
void visit_kept(const Key& /*key*/, const Visit& /*visit*/, Context<T> /*another row's*/) {}
template <class Visit, class... M>
void for_each_kept(const Key& key, const Visit& visit, M&&... members) {
  (visit_kept(key, visit, members), ...);
}

}  // namespace gracevisor::config
