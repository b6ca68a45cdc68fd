#include "support/site.h"

#include "support/cgroups.h"
#include "support/processes.h"

namespace gracevisor::test {
namespace {

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

Site::Site(unsigned port_count) : port_count_(port_count) {
  adopt_orphans();
}

Site::~Site() {
  remove_cgroups(directory() / "state");
}

base::Address Site::listener(unsigned index) const {
  return base::Address::tcp_loopback(base::Port(ports_.listener(index)));
}

std::string Site::expand(std::string_view text) const {
  std::string result(text);
  replace_all(result, "@LISTEN@", listener().text());
  constexpr unsigned kNumbered = 7;
  for (unsigned i = 1; i <= kNumbered; ++i) {
    replace_all(result, "@LISTEN" + std::to_string(i) + "@", listener(i).text());
  }
  replace_all(result, "@DEMO@", GV_DEMO);
  replace_all(result, "@PYTHON@", GV_PYTHON);
  replace_all(result, "@SUPPORT@", GV_TEST_SUPPORT);
  replace_all(result, "@DIR@", directory());
  return result;
}

std::string Site::daemon_table() const {
  return expand("[daemon]\nworkers = 2\nruntime_dir = \"@DIR@/run\"\nstate_dir = \"@DIR@/state\"\n") +
         "port_range = \"" + ports_.app_range(port_count_) + "\"\n";
}

void Site::configure(std::string_view apps) const {
  configure_whole(daemon_table() + std::string(apps));
}

void Site::configure_whole(std::string_view text) const {
  (void)directory_.write("gracevisor.toml", expand(text));
}

}  // namespace gracevisor::test
