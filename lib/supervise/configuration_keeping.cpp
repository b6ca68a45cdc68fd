#include "supervise/configuration_keeping.h"

#include <chrono>
#include <utility>

#include "base/one_line.h"
#include "base/sealed_file.h"
#include "spec/configuration_record.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

void ConfigurationKeeping::keep(const config::Config& config, const std::filesystem::path& file) {
  auto same = spec::to_text(config, file, {});
  if (!same) return fail(same.error());
  if (*same == kept_) return;
  kept_ = std::move(*same);
  auto text =
      spec::to_text(config, file, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  if (!text) return fail(text.error());
  if (holder_ != nullptr) {
    auto sealed = base::seal(*text, kHeldConfiguration, spec::kMostConfigurationBytes);
    if (!sealed) return fail(sealed.error());
    holder_->hold(kHeldConfiguration, sealed->get());
  }
  writer_.replace(spec::configuration_path(config.daemon.state_dir), std::move(*text),
                  [this](const base::Expected<void>& written) {
                    if (written) {
                      failed_ = false;
                    } else {
                      fail(written.error());
                    }
                  });
}

void ConfigurationKeeping::fail(const base::Error& error) {
  if (std::exchange(failed_, true)) return;
  log_.error("record of=configuration cause=\"{}\"", base::quotable(error.what));
}

// The files' settings as they are in force: of each app what was last read of it.
config::Config Supervisor::configuration_in_force() const {
  config::Config config = settings_.config;
  config.apps.clear();
  for (const auto& [id, entry] : apps_) {
    if (entry.app->removing()) continue;
    config.apps.push_back(entry.configured);
    for (const config::Listener& listener : entry.configured_listeners) {
      std::erase_if(config.listeners,
                    [&](const config::Listener& other) { return other.name == listener.name; });
      config.listeners.push_back(listener);
    }
  }
  // Records have both or neither.
  if (config.daemon.autodiscover.empty()) config.trees.reset();
  if (config.trees == nullptr) config.daemon.autodiscover.clear();
  return config;
}

void Supervisor::keep_configuration() {
  if (!std::exchange(configuration_stale_, false) || shutdown_.begun()) return;
  configuration_.keep(configuration_in_force(), settings_.config_file);
}

}  // namespace gracevisor::supervise
