#include "serve/crowd.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "loop/loop.h"

using namespace gracevisor;
using namespace std::chrono_literals;

namespace {

struct Guest {
  std::string name;
  std::optional<base::TimePoint> since;
  std::string& log;
  ~Guest() { log += "-" + name; }

  [[nodiscard]] std::optional<base::TimePoint> waits_since() const { return since; }
  void notify_gone() { log += "!" + name; }
};

constexpr base::TimePoint kStart{std::chrono::hours(1)};

struct Guests {
  std::string log;
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::optional<serve::Crowd<Guest>> crowd{std::in_place, *loop, [this] { log += "."; }};

  Guest& add(const std::string& name, std::optional<base::TimePoint> since) {
    auto guest = std::unique_ptr<Guest>(new Guest{name, since, log});
    Guest& added = *guest;
    crowd->add(std::move(guest));
    return added;
  }
};

}  // namespace

TEST_CASE("crowd: who leaves is told and freed later in the loop") {
  Guests guests;
  Guest& a = guests.add("a", kStart);
  guests.add("b", kStart);
  guests.crowd->leave(a);
  guests.crowd->leave(a);
  CHECK(guests.crowd->size() == 1);
  CHECK(guests.log.empty());
  guests.loop->run();
  CHECK(guests.log == ".!a-a");
  CHECK(guests.crowd->count([](const Guest& guest) { return guest.name == "b"; }) == 1);
  CHECK(guests.crowd->count([](const Guest& guest) { return guest.name == "a"; }) == 0);
  // At the end nobody is told.
  guests.crowd.reset();
  CHECK(guests.log == ".!a-a-b");
  CHECK(guests.loop->close() == 0);
}

TEST_CASE("crowd: one that was never added stays its owner's") {
  Guests guests;
  {
    Guest stranger{"s", kStart, guests.log};
    guests.crowd->leave(stranger);
  }
  guests.loop->run_once(false);
  CHECK(guests.log == "-s");
  guests.crowd.reset();
  CHECK(guests.loop->close() == 0);
}

TEST_CASE("crowd: the longest waiting of those that may go makes room") {
  Guests guests;
  guests.add("young", kStart + 9s);
  guests.add("busy", std::nullopt);
  guests.add("old", kStart + 1s);
  guests.add("oldest", kStart);
  const auto any = [](const Guest&) { return true; };
  const auto name = [](const Guest* guest) { return guest == nullptr ? "" : guest->name; };
  CHECK(name(guests.crowd->longest_waiting(kStart + 5s, any)) == "oldest");
  const auto not_oldest = [](const Guest& guest) { return guest.name != "oldest"; };
  CHECK(name(guests.crowd->longest_waiting(kStart + 5s, not_oldest)) == "old");
  CHECK(name(guests.crowd->longest_waiting(kStart + 1s, not_oldest)) == "old");
  CHECK(guests.crowd->longest_waiting(kStart, not_oldest) == nullptr);
  CHECK(guests.crowd->longest_waiting(kStart - 1s, any) == nullptr);
  guests.crowd.reset();
  CHECK(guests.loop->close() == 0);
}
