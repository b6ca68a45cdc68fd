// The commands and options of gvctl, and where their values go. Only the command line includes it, since
// CLI11 comes with it. Thread: values.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "gvctl/command_line.h"

namespace gracevisor::gvctl {

// What a command may be given to say what it applies to.
enum class Takes { nothing, one_app, apps, one_of_app, instances };

// CLI11's parser, and what it fills.
struct Parser {
  CommandLine line;
  Takes takes = Takes::nothing;
  std::vector<std::string> selectors;
  std::string until;
  std::string timeout;
  std::string since;
  std::string log_until;
  bool access = false;
  bool daemon = false;
  CLI::App app{"gvctl: talks to gracevisord", "gvctl"};

  Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

 private:
  void add_looks();
  void add_logs();
  void add_deploys();
  void add_runs();
  void add_daemon();
  CLI::App* add(Verb verb, Takes what, const std::string& name, const std::vector<std::string>& aliases,
                const std::string& description);
  void take_apps(CLI::App& command);
  void take_instances(CLI::App& command);
  void take_one(CLI::App& command, const std::string& name, const std::string& what);
};

}  // namespace gracevisor::gvctl
