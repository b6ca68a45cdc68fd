# Initial cache: cmake -C cmake/fuzz.cmake -S . -B build/fuzz -G Ninja
# Everything is instrumented for libFuzzer; the fuzz targets alone link its main().
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
# Assertions are oracles too: no NDEBUG.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g" CACHE STRING "")
set(GV_FUZZ ON CACHE BOOL "")
set(GV_SANITIZE address,undefined CACHE STRING "")
set(GV_PRECOMPILE ON CACHE BOOL "")
set(CMAKE_C_FLAGS "-fsanitize=fuzzer-no-link" CACHE STRING "")
set(CMAKE_CXX_FLAGS "-fsanitize=fuzzer-no-link" CACHE STRING "")
set(CMAKE_C_COMPILER clang-19 CACHE STRING "")
set(CMAKE_CXX_COMPILER clang++-19 CACHE STRING "")
