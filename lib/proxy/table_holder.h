// The worker's tables: the current one, and older ones for as long as an exchange that began under them
// lasts. A tunnel that lives for days keeps its own table, but none of the later ones. Pins are plain counts.
// What the supervisor needs to know about them is published in two of the port's marks: `adopted` (the newest
// table) and `oldest_pinned`. A table is released before the mark passes it, so that the supervisor holds the
// last reference and no large destructor runs here. Thread: the worker's.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <utility>

#include "proxy/bell.h"
#include "routing/worker_port.h"

namespace gracevisor::proxy {

class TableHolder {
  struct Kept {
    routing::RouteTableRef table;
    std::size_t pins = 0;
  };
  using Tables = std::list<Kept>;

 public:
  // Keeps one table. Requires: the holder outlives it.
  class Pin {
   public:
    Pin() noexcept = default;
    Pin(Pin&& other) noexcept : holder_(std::exchange(other.holder_, nullptr)), kept_(other.kept_) {}
    Pin& operator=(Pin&& other) noexcept {
      if (this != &other) {
        release();
        holder_ = std::exchange(other.holder_, nullptr);
        kept_ = other.kept_;
      }
      return *this;
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { release(); }

    void release() noexcept {
      if (holder_ != nullptr) std::exchange(holder_, nullptr)->unpin(kept_);
    }
    [[nodiscard]] explicit operator bool() const noexcept { return holder_ != nullptr; }

   private:
    friend class TableHolder;
    Pin(TableHolder& holder, Tables::iterator kept) noexcept : holder_(&holder), kept_(kept) { ++kept->pins; }
    TableHolder* holder_ = nullptr;
    Tables::iterator kept_;
  };

  TableHolder(routing::WorkerPort& port, const Bell& bell) noexcept : port_(port), bell_(bell) {}
  TableHolder(const TableHolder&) = delete;
  TableHolder& operator=(const TableHolder&) = delete;

  // Null before the first one.
  [[nodiscard]] const routing::RouteTable* current() const noexcept {
    return kept_.empty() ? nullptr : kept_.back().table.get();
  }
  // The daemon is shutting down: answers carry Connection: close.
  [[nodiscard]] bool closing() const noexcept { return current() != nullptr && current()->closing; }
  // Makes `table` the current one. Nothing is published yet.
  void install(routing::RouteTableRef table) { kept_.push_back({std::move(table), 0}); }
  // Publishes the marks: everything that must hold for a worker that has adopted the current table now holds.
  void announce() noexcept;
  // Requires: a current table.
  [[nodiscard]] Pin pin() noexcept { return {*this, std::prev(kept_.end())}; }

 private:
  void unpin(Tables::iterator kept) noexcept;

  routing::WorkerPort& port_;
  const Bell& bell_;
  Tables kept_;  // oldest first, the current one last
};

}  // namespace gracevisor::proxy
