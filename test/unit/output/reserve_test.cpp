#include "output/reserve.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/manual_clock.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using output::Reserve;
using std::chrono::seconds;

namespace {

struct Fixture {
  test::TempFolder folder;
  test::ManualClock clock;
  std::filesystem::path file = folder / "reserve";

  // Bytes of disk, not the size that is told.
  [[nodiscard]] std::uint64_t on_disk() const {
    struct stat st{};
    return ::stat(file.c_str(), &st) == 0 ? static_cast<std::uint64_t>(st.st_blocks) * 512 : 0;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "reserve: it holds disk space under a file that only the daemon reads") {
  Reserve reserve(folder.path(), clock);
  CHECK(on_disk() == 0);
  reserve.refill();
  CHECK(reserve.held() > 0);
  CHECK(reserve.held() <= 1U << 20);
  CHECK(on_disk() >= reserve.held());
  struct stat st{};
  REQUIRE(::stat(file.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0600);
}

TEST_CASE_FIXTURE(Fixture, "reserve: given up it is gone and later made again") {
  Reserve reserve(folder.path(), clock);
  reserve.refill();
  std::uint64_t held = reserve.held();
  CHECK(reserve.give_up());
  CHECK(reserve.held() == 0);
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK_FALSE(reserve.give_up());
  clock.advance(seconds(9));
  reserve.tick();
  CHECK_FALSE(std::filesystem::exists(file));
  clock.advance(seconds(1));
  reserve.tick();
  CHECK(reserve.held() == held);
  CHECK(on_disk() >= held);
}

TEST_CASE_FIXTURE(Fixture, "reserve: what an earlier daemon held is held on or freed") {
  {
    Reserve before(folder.path(), clock);
    before.refill();
  }
  Reserve unlucky(folder.path(), clock);
  CHECK(unlucky.give_up());
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE_FIXTURE(Fixture, "reserve: a folder that is not there and no folder at all are harmless") {
  Reserve nowhere(folder / "missing", clock);
  nowhere.refill();
  CHECK_FALSE(nowhere.give_up());
  Reserve none({}, clock);
  none.refill();
  none.tick();
  CHECK_FALSE(none.give_up());
}
