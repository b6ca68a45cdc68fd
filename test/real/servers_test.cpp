// Application servers as the app: at a port, at a Unix socket that they bind, and at one that they are
// started with.
#include <doctest/doctest.h>

#include "real/app_server.h"
#include "real/programs.h"

using namespace gracevisor::test;

namespace {

std::string command(const std::string& endpoint, const std::string& text) {
  return "endpoint = \"" + endpoint + "\"\ncommand = \"" + text + "\"\n";
}

AppServer gunicorn(const std::string& endpoint, const std::string& worker = "sync") {
  std::string bind = endpoint == "port"     ? " --bind 127.0.0.1:{port}"
                     : endpoint == "socket" ? " --bind unix:{socket}"
                                            : "";  // LISTEN_FDS tells
  AppServer server;
  server.programs = {"gunicorn"};
  server.table =
      command(endpoint, "gunicorn --worker-class " + worker + (worker == "gthread" ? " --threads 8" : "") +
                            bind + " --chdir " + real_file("apps") + " wsgi:app");
  server.keeps_connections = worker != "sync";
  return server;
}

AppServer uwsgi(const std::string& endpoint) {
  AppServer server;
  server.programs = {"uwsgi"};
  server.table = command(endpoint, std::string("uwsgi --plugin python3 --http-socket ") +
                                       (endpoint == "port" ? "127.0.0.1:{port}" : "{socket}") +
                                       " --master --processes 2 --die-on-term --need-app --wsgi-file " +
                                       real_file("apps/wsgi.py") + " --callable app");
  server.keeps_connections = false;
  return server;
}

AppServer puma(const std::string& endpoint) {
  std::string bind = endpoint == "port"     ? "-b tcp://127.0.0.1:{port}"
                     : endpoint == "socket" ? "-b unix://{socket}"
                                            : "--bind-to-activated-sockets only";
  AppServer server;
  server.programs = {"puma"};
  server.table =
      command(endpoint, "puma -C - -e production -t 1:8 " + bind + " " + real_file("apps/config.ru"));
  return server;
}

AppServer node(const std::string& endpoint) {
  std::string place = endpoint == "port" ? "{port}" : endpoint == "socket" ? "{socket}" : "fd";
  AppServer server;
  server.programs = {"node"};
  server.table = command(endpoint, "node " + real_file("apps/server.js") + " " + place);
  return server;
}

AppServer nginx(const std::string& endpoint) {
  std::string place = endpoint == "port" ? "127.0.0.1:{port}" : "unix:{socket}";
  AppServer server;
  server.programs = {"nginx"};
  server.table = command(endpoint, real_file("apps/nginx.sh") + " @DIR@ " + place);
  server.puts = true;
  server.tagged = "/files/page.txt";
  return server;
}

}  // namespace

TEST_CASE("gunicorn at a port: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(gunicorn("port"));
}
TEST_CASE("gunicorn at a port: deploys under load lose nothing") {
  check_deploys(gunicorn("port"));
}
TEST_CASE("gunicorn at a Unix socket: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(gunicorn("socket"));
}
TEST_CASE("gunicorn at a Unix socket: deploys under load lose nothing") {
  check_deploys(gunicorn("socket"));
}
TEST_CASE(
    "gunicorn at a passed socket: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(gunicorn("fd"));
}
TEST_CASE("gunicorn at a passed socket: deploys under load lose nothing") {
  check_deploys(gunicorn("fd"));
}
TEST_CASE("gunicorn with threads: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(gunicorn("port", "gthread"));
}
TEST_CASE("gunicorn with threads: deploys under load lose nothing") {
  check_deploys(gunicorn("port", "gthread"));
}

TEST_CASE("uwsgi at a port: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(uwsgi("port"));
}
TEST_CASE("uwsgi at a port: deploys under load lose nothing") {
  check_deploys(uwsgi("port"));
}
TEST_CASE("uwsgi at a Unix socket: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(uwsgi("socket"));
}
TEST_CASE("uwsgi at a Unix socket: deploys under load lose nothing") {
  check_deploys(uwsgi("socket"));
}

TEST_CASE("puma at a port: every kind of request passes, and kill -9 is recovered") {
  check_serving(puma("port"));
}
TEST_CASE("puma at a port: deploys under load lose nothing") {
  check_deploys(puma("port"));
}
TEST_CASE("puma at a Unix socket: every kind of request passes, and kill -9 is recovered") {
  check_serving(puma("socket"));
}
TEST_CASE("puma at a Unix socket: deploys under load lose nothing") {
  check_deploys(puma("socket"));
}
TEST_CASE("puma at a passed socket: every kind of request passes, and kill -9 is recovered") {
  check_serving(puma("fd"));
}
TEST_CASE("puma at a passed socket: deploys under load lose nothing") {
  check_deploys(puma("fd"));
}

TEST_CASE("node at a port: every kind of request passes, and kill -9 is recovered") {
  check_serving(node("port"));
}
TEST_CASE("node at a port: deploys under load lose nothing") {
  check_deploys(node("port"));
}
TEST_CASE("node at a Unix socket: every kind of request passes, and kill -9 is recovered") {
  check_serving(node("socket"));
}
TEST_CASE("node at a Unix socket: deploys under load lose nothing") {
  check_deploys(node("socket"));
}
TEST_CASE("node at a passed socket: every kind of request passes, and kill -9 is recovered") {
  check_serving(node("fd"));
}
TEST_CASE("node at a passed socket: deploys under load lose nothing") {
  check_deploys(node("fd"));
}

TEST_CASE("nginx at a port: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(nginx("port"));
}
TEST_CASE("nginx at a port: deploys under load lose nothing") {
  check_deploys(nginx("port"));
}
TEST_CASE("nginx at a Unix socket: every kind of request passes, and kill -9 of its master is recovered") {
  check_serving(nginx("socket"));
}
TEST_CASE("nginx at a Unix socket: deploys under load lose nothing") {
  check_deploys(nginx("socket"));
}
