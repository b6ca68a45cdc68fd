// The place where a test's daemon lives: folders, ports and the configuration file. A daemon may be started
// on it, ended, and started again. Thread: the test's.
//
// Configuration texts may contain @LISTEN@ (the first listener's address; @LISTEN1@, @LISTEN2@ ... further
// ones), @DEMO@ (gvdemo's path), @PYTHON@, @SUPPORT@ (the folder test/support) and @DIR@ (the site's folder).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/address.h"
#include "support/port_block.h"
#include "support/temp_folder.h"

namespace gracevisor::test {

class Site {
 public:
  // `port_count` is the size of the daemon's port range. Orphans of this process are adopted from now on.
  explicit Site(unsigned port_count = 48);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site();

  // Writes the configuration file: a [daemon] table for this site, then `apps`, expanded.
  void configure(std::string_view apps) const;
  // Writes `text` as it is, except for the expansion; for tests with a [daemon] table of their own.
  void configure_whole(std::string_view text) const;
  [[nodiscard]] std::string expand(std::string_view text) const;
  // The [daemon] table that configure() writes; further lines of it may follow.
  [[nodiscard]] std::string daemon_table() const;

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  [[nodiscard]] const TempFolder& files() const { return directory_; }
  [[nodiscard]] std::filesystem::path config() const { return directory() / "gracevisor.toml"; }
  [[nodiscard]] std::filesystem::path socket() const { return directory() / "run" / "gracevisor.sock"; }
  [[nodiscard]] base::Address listener(unsigned index = 0) const;

 private:
  TempFolder directory_;
  PortBlock ports_;
  unsigned port_count_;
};

}  // namespace gracevisor::test
