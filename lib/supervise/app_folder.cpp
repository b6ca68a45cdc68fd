#include "supervise/app_folder.h"

#include <fmt/format.h>

#include <utility>

#include "base/one_line.h"

namespace gracevisor::supervise {
namespace {

constexpr std::string_view kIsRestless =
    "it keeps changing; it is applied once it stays the same for a second";

config::DaemonUser reader(uid_t config_owner) {
  config::DaemonUser user = config::current_user();
  user.config_owner = config_owner;
  return user;
}

}  // namespace

AppFolder::AppFolder(loop::Loop& loop, base::Log& log, std::filesystem::path path, uid_t config_owner,
                     Files in_force, std::function<void(const Plan&)> apply)
    : loop_(loop),
      log_(log),
      path_(std::move(path)),
      user_(reader(config_owner)),
      decider_(std::move(in_force), loop.now()),
      apply_(std::move(apply)),
      timer_(loop, [this] { look(); }) {
  // Now, so that nothing that happens from here on is missed.
  if (auto listing = config::list_app_folder(path_)) watch(listing->folder);
  wait();
}

void AppFolder::watch(const struct stat& folder) {
  const std::pair there{folder.st_dev, folder.st_ino};
  if (there == watched_) return;
  watched_ = there;
  auto watch = loop::FolderWatch::create(loop_, path_, [this](const std::string& name) {
    const bool is_of_folder = name.empty() || name == path_.filename();
    if (!is_of_folder && !config::is_app_file(name)) return;
    decider_.notice(loop_.now());
    wait();
  });
  if (!watch) {
    log_.warning("autodiscover cause=\"{}; looking every {} s\"", base::quotable(watch.error().what),
                 std::chrono::duration_cast<std::chrono::seconds>(decide::AppFolder::kLookAgain).count());
  }
  watch_ = watch ? std::move(*watch) : nullptr;
}

void AppFolder::wait() {
  timer_.start(decider_.due() - loop_.now());
}

base::Expected<AppFolder::Files> AppFolder::list() {
  auto listing = config::list_app_folder(path_);
  if (!listing) {
    watch_.reset();
    watched_ = {};
    return std::unexpected(std::move(listing.error()));
  }
  watch(listing->folder);
  config::Findings findings;
  config::FileTrust trust(user_, findings);
  if (!trust.allows(path_, listing->folder)) return base::fail(findings.take_errors().front().text);
  // A file that became a link has not gone: it is refused when it is read.
  for (const auto& [name, refused] : listing->refused) {
    if (refused.stamp != base::FileStamp()) listing->files.emplace(name, refused.stamp);
  }
  return std::move(listing->files);
}

void AppFolder::look() {
  const auto seen = list();
  if (seen) {
    std::erase_if(refused_, [&](const auto& one) { return !seen->contains(one.first); });
  }
  const Plan plan = decider_.look(loop_.now(), seen);
  tell_trouble();
  tell_restless();
  if (!plan.empty()) apply_(plan);
  wait();
}

void AppFolder::done(const Plan& plan, const std::map<std::string, std::string>& refused,
                     decide::AppFolder::Outcome outcome) {
  for (const std::string& name : plan.changed) {
    if (!refused.contains(name) && !outcome.busy.contains(name)) refused_.erase(name);
  }
  for (const auto& [name, why] : refused) {
    outcome.refused.insert(name);
    // It may be tried often, while others are busy.
    if (std::exchange(refused_[name], why) == why) continue;
    log_.error("autodiscover file={} cause=\"{}\"", name, base::quotable(why));
  }
  decider_.done(plan, outcome, loop_.now());
}

void AppFolder::reloaded(Files in_force, bool removed) {
  refused_.clear();
  decider_.reloaded(std::move(in_force), removed, loop_.now());
  tell_trouble();
  wait();
}

void AppFolder::tell_trouble() {
  std::string trouble = decider_.trouble();
  if (trouble == trouble_) return;
  if (trouble.empty()) {
    log_.info("autodiscover path={} is well again", path_.string());
  } else {
    log_.error("autodiscover path={} cause=\"{}\"", path_.string(), base::quotable(trouble));
  }
  trouble_ = std::move(trouble);
}

void AppFolder::tell_restless() {
  decide::AppFolder::Names restless = decider_.restless();
  for (const std::string& name : restless) {
    if (!restless_.contains(name)) log_.error("autodiscover file={} cause=\"{}\"", name, kIsRestless);
  }
  restless_ = std::move(restless);
}

std::vector<std::string> AppFolder::problems() const {
  std::vector<std::string> problems;
  if (const std::string trouble = decider_.trouble(); !trouble.empty()) {
    problems.push_back(fmt::format("{} {}", path_.string(), trouble));
  }
  const auto tell = [&](const std::string& name, std::string_view why) {
    problems.push_back(fmt::format("{} is not applied, and what runs stays as it is: {}", name, why));
  };
  for (const auto& [name, why] : refused_) tell(name, why);
  for (const std::string& name : decider_.restless()) tell(name, kIsRestless);
  return problems;
}

decide::AppFolder::Files app_folder_files(const config::Files& trees) {
  decide::AppFolder::Files files;
  for (const config::File& file : trees) {
    if (file.of_app_folder) files.emplace(std::filesystem::path(file.name).filename(), file.stamp);
  }
  return files;
}

}  // namespace gracevisor::supervise
