// Which tables a worker keeps.
#include "proxy/table_holder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

using namespace gracevisor;

namespace {

struct TableHolderFixture {
  routing::WorkerPort port;
  proxy::Bell bell{[] {}};
  proxy::TableHolder holder{port, bell};
  std::vector<std::weak_ptr<const routing::RouteTable>> tables;

  void adopt() {
    auto table = std::make_shared<routing::RouteTable>();
    table->epoch = base::Epoch(tables.size() + 1);
    tables.push_back(table);
    holder.install(std::move(table));
    holder.announce();
  }
  [[nodiscard]] std::size_t kept() const {
    return static_cast<std::size_t>(
        std::count_if(tables.begin(), tables.end(), [](const auto& table) { return !table.expired(); }));
  }
};

}  // namespace

TEST_CASE_FIXTURE(TableHolderFixture,
                  "table holder: a long pin keeps its own table, and none of those that come after it") {
  adopt();
  auto tunnel = holder.pin();
  for (int i = 0; i < 100; ++i) adopt();
  CHECK(kept() == 2);
  CHECK(port.oldest_pinned.read() == base::Epoch(1));
  tunnel.release();
  CHECK(kept() == 1);
  CHECK(port.oldest_pinned.read() == base::Epoch(101));
}

TEST_CASE_FIXTURE(TableHolderFixture, "table holder: pins may end in any order") {
  std::vector<proxy::TableHolder::Pin> pins;
  for (int i = 0; i < 4; ++i) {
    adopt();
    pins.push_back(holder.pin());
  }
  adopt();
  pins[1].release();
  CHECK(kept() == 4);
  CHECK(port.oldest_pinned.read() == base::Epoch(1));
  pins[0].release();
  CHECK(port.oldest_pinned.read() == base::Epoch(3));
  pins[3].release();
  pins[2].release();
  CHECK(kept() == 1);
  CHECK(port.oldest_pinned.read() == base::Epoch(5));
}
