#include "routing/route_table.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

using namespace gracevisor;
using base::AppId;
using routing::RouteTable;

namespace {

RouteTable table_of(const std::vector<unsigned>& ids) {
  RouteTable table;
  for (unsigned id : ids) table.apps.emplace_back().id = AppId(id);
  return table;
}

}  // namespace

TEST_CASE("route table: an app is found by its id, whatever ids are missing before and behind it") {
  const std::vector<std::vector<unsigned>> tables{
      {1}, {4711}, {1, 2, 3, 4}, {5, 6, 7}, {1, 3, 5, 7, 9}, {2, 3, 90, 91, 400}, {1, 2, 3, 4294967295U}};
  for (const auto& ids : tables) {
    RouteTable table = table_of(ids);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      CAPTURE(ids[i]);
      CHECK(table.find(AppId(ids[i])) == &table.apps[i]);
    }
  }
}

TEST_CASE("route table: an id that no app has finds none") {
  CHECK(table_of({}).find(AppId(1)) == nullptr);
  for (unsigned missing : {0U, 1U, 4U, 6U, 7U, 9U, 10U, 11U, 4294967295U}) {
    CAPTURE(missing);
    CHECK(table_of({2, 3, 5, 8}).find(AppId(missing)) == nullptr);
  }
}
