// The worker's tables: the current one, and older ones for as long as an exchange that began under them
// lasts. Pins are plain counts. What the supervisor may know of it is published in the port's two marks:
// `adopted` (the newest) and `oldest_pinned`; a table is let go before the mark passes it, so that the
// supervisor holds the last reference and no large destructor runs here. Thread: the worker's.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "proxy/bell.h"
#include "routing/worker_port.h"

namespace gracevisor::proxy {

class TableHolder {
  struct Kept {
    routing::RouteTableRef table;
    std::size_t pins = 0;
  };

 public:
  // Keeps one table. Requires: the holder outlives it.
  class Pin {
   public:
    Pin() noexcept = default;
    Pin(Pin&& other) noexcept : holder_(other.holder_), kept_(std::exchange(other.kept_, nullptr)) {}
    Pin& operator=(Pin&& other) noexcept {
      if (this != &other) {
        release();
        holder_ = other.holder_;
        kept_ = std::exchange(other.kept_, nullptr);
      }
      return *this;
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { release(); }

    void release() noexcept {
      if (kept_ != nullptr) holder_->unpin(*std::exchange(kept_, nullptr));
    }
    [[nodiscard]] explicit operator bool() const noexcept { return kept_ != nullptr; }

   private:
    friend class TableHolder;
    Pin(TableHolder& holder, Kept& kept) noexcept : holder_(&holder), kept_(&kept) { ++kept.pins; }
    TableHolder* holder_ = nullptr;
    Kept* kept_ = nullptr;
  };

  TableHolder(routing::WorkerPort& port, const Bell& bell) noexcept : port_(port), bell_(bell) {}
  TableHolder(const TableHolder&) = delete;
  TableHolder& operator=(const TableHolder&) = delete;

  // Null before the first one.
  [[nodiscard]] const routing::RouteTable* current() const noexcept {
    return kept_.empty() ? nullptr : kept_.back().table.get();
  }
  // Makes `table` the current one. Nothing is published yet.
  void install(routing::RouteTableRef table) { kept_.push_back({std::move(table), 0}); }
  // Publishes the marks: all that must be true of a worker that has adopted the current table is true.
  void announce() noexcept;
  // Requires: a current table.
  [[nodiscard]] Pin pin() noexcept { return {*this, kept_.back()}; }

 private:
  void unpin(Kept& kept) noexcept;
  // Lets go of the oldest tables that nobody uses; true if there were any.
  bool drop_unused() noexcept;

  routing::WorkerPort& port_;
  const Bell& bell_;
  std::deque<Kept> kept_;  // oldest first, the current one last; grows and shrinks at its ends only
};

}  // namespace gracevisor::proxy
