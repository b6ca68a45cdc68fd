# Initial cache: cmake -C cmake/tsan.cmake -S . -B build/tsan -G Ninja
# ThreadSanitizer, with assertions.
set(CMAKE_BUILD_TYPE Checked CACHE STRING "")
set(CMAKE_C_FLAGS_CHECKED "-O1 -gline-tables-only" CACHE STRING "")
set(CMAKE_CXX_FLAGS_CHECKED "-O1 -gline-tables-only" CACHE STRING "")
set(GV_SANITIZE thread CACHE STRING "")
set(CMAKE_C_COMPILER clang-19 CACHE STRING "")
set(CMAKE_CXX_COMPILER clang++-19 CACHE STRING "")
set(GV_PRECOMPILE ON CACHE BOOL "")
# Thirty sources at a time: most of the work is in what they share.
set(CMAKE_UNITY_BUILD ON CACHE BOOL "")
set(CMAKE_UNITY_BUILD_BATCH_SIZE 30 CACHE STRING "")
