# Initial cache: cmake -C cmake/release.cmake -S . -B build/release -G Ninja
# Two warnings of g++ 12 are false with its optimised std::string (GCC bugs 105329 and 105651), and only there.
set(CMAKE_BUILD_TYPE Release CACHE STRING "")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -Wno-restrict -Wno-maybe-uninitialized" CACHE STRING "")
set(CMAKE_C_COMPILER gcc CACHE STRING "")
set(CMAKE_CXX_COMPILER g++ CACHE STRING "")
