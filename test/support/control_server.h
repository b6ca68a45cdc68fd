// A control::Server on a loop in a thread of its own, with a scripted handler. Everything but the script
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
#include "control/socket_file.h"
#include "loop/wakeup.h"
#include "serve/response.h"
#include "support/temp_folder.h"

namespace gracevisor::test {

class ControlServer final : control::Handler {
 public:
  // Runs on the loop's thread.
  using Script = std::function<void(const control::Request&, const std::shared_ptr<serve::Response>&)>;

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

  // Runs `function` on the loop's thread and waits for its result.
  template <class F>
  auto on_loop(F function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    post([&] { task(); });
    return result.get();
  }
  // Checks `condition` on the loop's thread until it holds; false after ten seconds.
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

  // For use inside on_loop().
  [[nodiscard]] control::Server& server() { return *server_; }
  [[nodiscard]] std::string path() const { return control::socket_file(folder_.path()).string(); }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void handle(const control::Request& request, std::shared_ptr<serve::Response> response) override {
    script_(request, response);
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
