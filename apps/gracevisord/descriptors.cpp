#include "descriptors.h"

#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/cpus.h"
#include "decide/descriptor_budget.h"

namespace gracevisor::daemon {

using decide::DescriptorBudget;

bool any_record(const std::filesystem::path& state_dir) {
  std::error_code error;
  std::filesystem::directory_iterator entries(state_dir / "apps", error);
  for (std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
    if (entries->path().extension() == ".json") return true;
  }
  return false;
}

base::Expected<OpenFiles> raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return base::fail_errno("cannot read the limit of open files (RLIMIT_NOFILE)", errno);
  }
  OpenFiles files{limit.rlim_cur, DescriptorBudget::kNoLimit};
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return base::fail_errno("cannot raise the limit of open files (RLIMIT_NOFILE) to the hard one", errno);
  }
  if (limit.rlim_cur != RLIM_INFINITY) files.limit = limit.rlim_cur;
  return files;
}

std::size_t worker_count(const config::Daemon& config) {
  return config.workers != 0 ? config.workers : base::cpus();
}

base::Expected<void> expect_descriptors(const config::Config& config, const OpenFiles& files, bool fresh) {
  DescriptorBudget::Demand demand{.workers = worker_count(config.daemon)};
  for (const config::Listener& listener : config.listeners) demand.addresses += listener.addresses.size();
  for (const config::App& app : config.apps) demand.instances += app.instances;
  DescriptorBudget budget(files.limit, demand);
  if (budget.enough() || (!fresh && any_record(config.daemon.state_dir))) return {};
  return base::fail(budget.shortfall() + ": raise it (ulimit -Hn, LimitNOFILE= in the unit)");
}

}  // namespace gracevisor::daemon
