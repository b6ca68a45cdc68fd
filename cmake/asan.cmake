# Initial cache: cmake -C cmake/asan.cmake -S . -B build/asan -G Ninja
# AddressSanitizer and UndefinedBehaviorSanitizer, with assertions.
set(CMAKE_BUILD_TYPE Checked CACHE STRING "")
set(CMAKE_C_FLAGS_CHECKED "-O0 -gline-tables-only" CACHE STRING "")
set(CMAKE_CXX_FLAGS_CHECKED "-O0 -gline-tables-only" CACHE STRING "")
set(GV_SANITIZE address,undefined CACHE STRING "")
set(CMAKE_C_COMPILER clang-19 CACHE STRING "")
set(CMAKE_CXX_COMPILER clang++-19 CACHE STRING "")
set(GV_PRECOMPILE ON CACHE BOOL "")
# Thirty sources at a time: most of the work is in what they share.
set(CMAKE_UNITY_BUILD ON CACHE BOOL "")
set(CMAKE_UNITY_BUILD_BATCH_SIZE 30 CACHE STRING "")
