#include "keeper/held.h"

#include <cerrno>
#include <utility>

namespace gracevisor::keeper {
namespace {

base::Error as_error(const Refused& refusal) {
  if (refusal.code == Code::no_room) return {"the keeper has no room for it", ENFILE};
  return base::system_error("the keeper does not hold it", refusal.error);
}

}  // namespace

Held::Held(std::vector<ListedName> found, std::function<void(const std::string&, const base::Error&)> failed)
    : found_any_(!found.empty()), failed_(std::move(failed)) {
  for (ListedName& one : found) {
    names_.insert(one.name.text);
    found_.insert_or_assign(one.name.text, std::move(one.fd));
  }
}

void Held::connect(Link& link) {
  link_ = &link;
  for (auto& [name, copy] : std::exchange(waiting_, {})) order_hold(name, std::move(copy));
}

void Held::hold(const std::string& name, int fd) {
  auto copy = base::duplicate(fd);
  if (!copy) {
    failed_(name, copy.error());
    return;
  }
  if (link_ == nullptr) {
    waiting_.insert_or_assign(name, std::move(*copy));
  } else {
    order_hold(name, std::move(*copy));
  }
}

void Held::order_hold(const std::string& name, base::UniqueFd copy) {
  if (names_.contains(name)) link_->release(name, {});
  names_.insert(name);
  link_->hold(name, std::move(copy), [this, name](std::expected<Done, Refused> answer) {
    if (!answer) failed_(name, as_error(answer.error()));
  });
}

void Held::release(const std::string& name) {
  found_.erase(name);
  waiting_.erase(name);
  if (names_.erase(name) != 0 && link_ != nullptr) link_->release(name, {});
}

base::UniqueFd Held::take(const std::string& name) {
  const auto found = found_.extract(name);
  return found ? std::move(found.mapped()) : base::UniqueFd();
}

std::map<std::string, base::UniqueFd> Held::take_rest(const std::string& prefix) {
  std::map<std::string, base::UniqueFd> rest;
  for (auto it = found_.lower_bound(prefix); it != found_.end() && it->first.starts_with(prefix);) {
    auto node = found_.extract(it++);
    rest.insert(std::move(node));
  }
  for (const auto& [name, fd] : rest) release(name);
  return rest;
}

}  // namespace gracevisor::keeper
