// proxy = "tcp": an app that has its listeners for itself.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "loading.h"

namespace gracevisor::config {

using test::app_of;
using test::config_of;
using test::errors_of;
using Strings = std::vector<std::string>;

namespace {

Strings one(const std::string& error) {
  return {"/etc/gv.toml:" + error};
}

std::string tcp_app(const std::string& keys) {
  return "[app.db]\ncommand = \"a\"\nproxy = \"tcp\"\n" + keys + "\n";
}

}  // namespace

TEST_CASE("tcp apps: the protocol is http unless tcp is asked for") {
  CHECK(app_of("").protocol == Protocol::http);
  CHECK(app_of("proxy = \"http\"\n").protocol == Protocol::http);
  CHECK(app_of("proxy = \"tcp\"\n").protocol == Protocol::tcp);
  CHECK(errors_of("[app.db]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\nproxy = \"udp\"\n") ==
        one(R"(4:9: app.db.proxy: unknown value "udp"; expected one of "http", "tcp")"));
}

TEST_CASE("tcp apps: health is a connection unless it says otherwise") {
  CHECK(app_of("").health.kind == Health::Kind::http);
  CHECK(app_of("proxy = \"tcp\"\n").health.kind == Health::Kind::tcp);
  CHECK(app_of("proxy = \"tcp\"\nhealth = \"/up\"\n").health.kind == Health::Kind::http);
  CHECK(app_of("proxy = \"tcp\"\nhealth = \"tcp\"\n").health.kind == Health::Kind::tcp);
  CHECK(app_of("proxy = \"tcp\"\nhealth.type = \"http\"\n").health.kind == Health::Kind::http);
  // A table that only says when is no wish for HTTP; one that says what to ask for is.
  CHECK(app_of("proxy = \"tcp\"\nhealth.interval = \"1s\"\n").health.kind == Health::Kind::tcp);
  CHECK(app_of("health.interval = \"1s\"\n").health.kind == Health::Kind::http);
  CHECK(app_of("proxy = \"tcp\"\nhealth.path = \"/up\"\n").health.kind == Health::Kind::http);
  CHECK(app_of("proxy = \"tcp\"\nhealth.headers = { A = \"b\" }\n").health.kind == Health::Kind::http);
}

TEST_CASE("tcp apps: routes have no meaning") {
  CHECK(errors_of(tcp_app("listen = \"127.0.0.1:80\"\nroute = \"example.com\"")) ==
        one(R"(5:1: app.db.route: has no meaning with proxy = "tcp": the listener is the app's own)"));
  CHECK(errors_of(tcp_app("listen = \"127.0.0.1:80\"\nroutes = [{ path = \"/x\" }]")) ==
        one(R"(5:1: app.db.routes: has no meaning with proxy = "tcp": the listener is the app's own)"));
}

TEST_CASE("tcp apps: a listener is not shared, nor has it another app by default") {
  CHECK(errors_of("[listen.p]\naddress = \"127.0.0.1:80\"\n" + tcp_app("listen = \"p\"")).empty());
  CHECK(
      errors_of("[listen.p]\naddress = \"127.0.0.1:80\"\n" + tcp_app("listen = \"p\"") +
                "[app.web]\ncommand = \"b\"\nlisten = \"p\"\n") ==
      one(R"(6:10: app.db.listen: p is shared with app.web, but proxy = "tcp" needs a listener of its own)"));
  CHECK(errors_of(tcp_app("listen = \"127.0.0.1:80\"") +
                  "[app.web]\ncommand = \"b\"\nlisten = \"127.0.0.1:80\"\nroute = \"example.com\"\n") ==
        one(R"(4:10: app.db.listen: "127.0.0.1:80" is shared with app.web, but proxy = "tcp" needs a )"
            "listener of its own"));
  CHECK(errors_of("[listen.p]\naddress = \"127.0.0.1:80\"\ndefault = \"db\"\n" +
                  tcp_app("listen = \"127.0.0.1:81\"")) ==
        one(R"(3:11: listen.p.default: app.db has proxy = "tcp")"));
  CHECK(errors_of("[listen.p]\naddress = \"127.0.0.1:80\"\ndefault = \"db\"\n" + tcp_app("listen = \"p\"")) ==
        one(R"(3:11: listen.p.default: app.db has proxy = "tcp")"));
  // It would never get a connection.
  CHECK(errors_of("[listen.p]\naddress = \"127.0.0.1:80\"\ndefault = \"web\"\n" + tcp_app("listen = \"p\"") +
                  "[app.web]\ncommand = \"b\"\nlisten = \"127.0.0.1:81\"\n") ==
        one(R"(3:11: listen.p.default: app.db has the listener for itself, with proxy = "tcp")"));
}

TEST_CASE("tcp apps: two of them cannot share a listener either") {
  auto errors = errors_of(tcp_app("listen = \"127.0.0.1:80\"") +
                          "[app.mq]\ncommand = \"b\"\nproxy = \"tcp\"\nlisten = \"127.0.0.1:80\"\n");
  const std::string rest = R"(, but proxy = "tcp" needs a listener of its own)";
  CHECK(errors ==
        Strings{R"(/etc/gv.toml:4:10: app.db.listen: "127.0.0.1:80" is shared with app.mq)" + rest,
                R"(/etc/gv.toml:8:10: app.mq.listen: "127.0.0.1:80" is shared with app.db)" + rest});
}

}  // namespace gracevisor::config
