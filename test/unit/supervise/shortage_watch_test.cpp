#include "supervise/shortage_watch.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <string_view>

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace gracevisor::supervise;
using std::chrono::seconds;

namespace {

std::size_t lines_with(const std::string& all, const std::string& words) {
  std::size_t count = 0;
  for (auto at = all.find(words); at != std::string::npos; at = all.find(words, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("shortages: each kind is told once a minute with its cause and stands in status for an hour") {
  std::string told;
  base::Log log(base::LogLevel::info, [&told](std::string_view line) { told += line; });
  routing::WorkerPort first;
  routing::WorkerPort second;
  ShortageWatch watch({&first, &second});
  DescriptorBudget budget(352, {2, 1, 1, 2});
  base::TimePoint now{seconds(1000)};
  CHECK_FALSE(watch.poll(now));
  CHECK(watch.remarks(now, budget).empty());

  first.shortages.turned_away.add(2);
  second.shortages.turned_away.add(3);
  second.shortages.dial.add();
  second.shortages.code.set(EMFILE);
  REQUIRE(watch.poll(now));
  watch.tell(now, budget, log);
  CHECK(lines_with(told, "shortage what=places times=5 cause=\"all 128 places are taken\" open_files=352") ==
        1);
  CHECK(lines_with(told, "shortage what=dial times=1 cause=\"Too many open files (EMFILE)\"") == 1);

  // More of it within the minute: counted, not told.
  first.shortages.turned_away.add(10);
  now += seconds(30);
  CHECK_FALSE(watch.poll(now));
  CHECK(lines_with(told, "what=places") == 1);
  auto remarks = watch.remarks(now + seconds(5), budget);
  REQUIRE(remarks.size() == 2);
  CHECK(
      remarks[0] ==
      "15 connections of clients were turned away, the last 5 s ago: all 128 places are taken (limit of open "
      "files: 352)");
  now += seconds(31);
  REQUIRE(watch.poll(now));
  watch.tell(now, budget, log);
  CHECK(lines_with(told, "what=places times=10") == 1);
  CHECK(watch.remarks(now + seconds(3700), budget).empty());
}
