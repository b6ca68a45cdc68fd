// A control::Server on a loop in a thread of its own, with a scripted handler. Every call but the script's
// belongs to the test's thread.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/server.h"
#include "loop/wakeup.h"
#include "support/temp_folder.h"

namespace gracevisor::test {

class ControlServer final : control::Handler {
 public:
  // Runs on the loop's thread.
  using Script = std::function<void(const control::Request&, const std::shared_ptr<control::Reply>&)>;

  explicit ControlServer(Script script, control::AccessPolicy policy = control::access_policy(""))
      : script_(std::move(script)), policy_(policy) {
    std::promise<std::string> opened;
    thread_ = std::thread([&] { run(opened); });
    failure_ = opened.get_future().get();
  }
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer() { stop(); }

  // Ends the loop: 0, or what Loop::close() says was leaked. Only the first call does anything.
  int stop() {
    if (thread_.joinable()) {
      post([this] { loop_->stop(); });
      thread_.join();
    }
    return closed_;
  }

  // On the loop's thread, waited for.
  template <class F>
  auto on_loop(F function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    post([&] { task(); });
    return result.get();
  }
  // Asks on the loop's thread until it holds; false after ten seconds.
  template <class F>
  [[nodiscard]] bool eventually(F condition) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!on_loop(condition)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  [[nodiscard]] bool eventually_connections(std::size_t count) {
    return eventually([this, count] { return server_->connections() == count; });
  }

  // For on_loop().
  [[nodiscard]] control::Server& server() { return *server_; }
  [[nodiscard]] std::string path() const { return (folder_ / "gracevisor.sock").string(); }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void handle(const control::Request& request, std::shared_ptr<control::Reply> reply) override {
    script_(request, reply);
  }

  void post(std::function<void()> task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wakeup_->ring();
  }

  void run_tasks() {
    std::vector<std::function<void()>> tasks;
    {
      std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
  }

  void run(std::promise<std::string>& opened) {
    loop_ = std::move(*loop::Loop::create());
    {
      std::lock_guard lock(mutex_);
      wakeup_ = std::move(*loop::Wakeup::create(*loop_, [this] { run_tasks(); }));
    }
    auto server = control::Server::open(*loop_, path(), policy_, *this);
    std::string failure = server ? "" : server.error().what;
    if (server) server_ = std::move(*server);
    opened.set_value(failure);
    loop_->run();
    server_.reset();
    wakeup_.reset();
    closed_ = loop_->close();
  }

  TempFolder folder_;
  Script script_;
  control::AccessPolicy policy_;
  std::string failure_;
  int closed_ = -1;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<loop::Wakeup> wakeup_;
  std::unique_ptr<control::Server> server_;
  std::thread thread_;
};

}  // namespace gracevisor::test
