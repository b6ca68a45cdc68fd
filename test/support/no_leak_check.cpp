// Linked into the programs that the tests run as apps, in builds with AddressSanitizer: no leak check at
// their exit. It stops the process by ptrace, and the SIGCONT that a supervisor sends beside its stop signal
// undoes just that, so that now and then the check would wait for ever. The daemon itself is checked.
extern "C" const char*
__asan_default_options();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name

extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "detect_leaks=0";
}
