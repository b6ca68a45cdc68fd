// The main() of every test program: doctest's, but a run that selects no test case fails.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>

#include "support/skip.h"

namespace {
// Counts what really ran; a filter with a typo must not pass.
struct CaseCounter : doctest::IReporter {
  explicit CaseCounter(const doctest::ContextOptions& /*options*/) {}
  static inline unsigned ran = 0;
  void report_query(const doctest::QueryData& /*unused*/) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& stats) override { ran = stats.numTestCasesPassingFilters; }
  void test_case_start(const doctest::TestCaseData& /*unused*/) override {}
  void test_case_reenter(const doctest::TestCaseData& /*unused*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& /*unused*/) override {}
  void test_case_exception(const doctest::TestCaseException& /*unused*/) override {}
  void subcase_start(const doctest::SubcaseSignature& /*unused*/) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& /*unused*/) override {}
  void log_message(const doctest::MessageData& /*unused*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*unused*/) override {}
};
REGISTER_LISTENER("case-counter", 1, CaseCounter);
}  // namespace

int main(int argc, char** argv) {
  // As in the daemon: a broken connection is a result, not a signal.
  (void)std::signal(SIGPIPE, SIG_IGN);
  doctest::Context context(argc, argv);
  int result = context.run();
  if (context.shouldExit()) return result;
  if (CaseCounter::ran == 0) {
    (void)std::fprintf(stderr, "no test case was run\n");
    return 1;
  }
  if (result == 0 && CaseCounter::ran == gracevisor::test::skipped_cases)
    return gracevisor::test::kSkippedCode;
  return result;
}
