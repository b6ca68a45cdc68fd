// What everything on one worker shares: its loop and deadlines, the way to the instances, its tables, its
// logs, and scratch space. It knows nothing about its users. Owner: Core. Thread: the worker's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "http/forward.h"
#include "http/head.h"
#include "loop/deadlines.h"
#include "loop/loop.h"
#include "loop/pipe.h"
#include "proxy/access_outbox.h"
#include "proxy/bell.h"
#include "proxy/hold_queue.h"
#include "proxy/notices.h"
#include "proxy/request_ids.h"
#include "proxy/switchboard.h"
#include "proxy/table_holder.h"
#include "proxy/upstreams.h"

namespace gracevisor::proxy {

struct Kit {
  Kit(loop::Loop& on, base::WorkerIndex index, routing::WorkerPort& port,
      std::function<void()> ring_supervisor, std::function<void()> ring_writer);
  Kit(const Kit&) = delete;
  Kit& operator=(const Kit&) = delete;
  ~Kit() = default;

  loop::Loop& loop;
  const base::WorkerIndex worker;
  Bell bell;
  loop::Deadlines deadlines;
  http::HeadReader heads;
  // Scratch: valid until the callback that uses it returns.
  http::RequestHead request_head;
  http::ResponseHead response_head;
  std::string scratch;

  RequestIds request_ids;
  loop::Pipes pipes;
  TableHolder tables;
  Notices notices;
  Upstreams upstreams;
  Switchboard switchboard;
  HoldQueue hold_queue;
  AccessOutbox access;
  std::size_t tunnels = 0;  // open ones

  // For the Date field; valid until the next call.
  [[nodiscard]] std::string_view date() { return date_.text(std::chrono::system_clock::now()); }
  // For spreading things in time; not secret.
  [[nodiscard]] unsigned random() noexcept { return static_cast<unsigned>(random_()); }

 private:
  http::DateCache date_;
  std::minstd_rand random_;
};

}  // namespace gracevisor::proxy
