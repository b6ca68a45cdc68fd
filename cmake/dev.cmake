# Initial cache: cmake -C cmake/dev.cmake -S . -B build/dev -G Ninja
# Tests run with assertions, and without optimisation, which would cost a quarter of the build.
set(CMAKE_BUILD_TYPE Checked CACHE STRING "")
set(CMAKE_C_FLAGS_CHECKED "-O0 -g1" CACHE STRING "")
set(CMAKE_CXX_FLAGS_CHECKED "-O0 -g1" CACHE STRING "")
set(CMAKE_C_COMPILER gcc CACHE STRING "")
set(CMAKE_CXX_COMPILER g++ CACHE STRING "")
set(GV_PRECOMPILE ON CACHE BOOL "")
