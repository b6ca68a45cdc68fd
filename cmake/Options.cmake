# One target that every library and program of ours links: language level, warnings, sanitizers.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "build type" FORCE)
endif()

option(GV_WERROR "treat warnings as errors" OFF)
set(GV_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")
option(GV_FUZZ "build the libFuzzer targets (clang)" OFF)
option(GV_PRECOMPILE "compile the most common headers from outside once for each target" OFF)

# Objects are shared between clones and build folders: paths below the source folder count as relative. The sloppiness
# is what ccache's manual asks for where headers are precompiled; no source uses __DATE__ or __TIME__.
# Depend mode: what is not in the cache is compiled without being preprocessed once more for its hash.
find_program(CCACHE ccache)
if(CCACHE)
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=true CCACHE_DEPEND=true
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(gv_options INTERFACE)
target_compile_options(gv_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wswitch-enum -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wunused -Wdouble-promotion -Wformat=2)
if(CMAKE_UNITY_BUILD)
  # A name of another file may be shadowed.
  target_compile_options(gv_options INTERFACE -Wno-shadow)
endif()
if(GV_WERROR)
  target_compile_options(gv_options INTERFACE -Werror)
endif()
target_include_directories(gv_options INTERFACE "${PROJECT_SOURCE_DIR}/lib")
target_compile_definitions(gv_options INTERFACE GV_VERSION="${PROJECT_VERSION}")

if(GV_SANITIZE)
  add_compile_options(-fsanitize=${GV_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GV_SANITIZE})
endif()

# gv_precompile(TARGET [test]): the headers from outside that most files include are compiled once for all targets, with
# `test` those of the tests as well. Reading them takes longer than compiling what the files hold. Files still include
# what they use, as builds without it compile too. The target links gv_base.
function(gv_precompile name)
  if(NOT GV_PRECOMPILE)
    return()
  endif()
  set(headers <algorithm> <array> <chrono> <cstdint> <expected> <filesystem> <functional> <map> <memory> <optional> <set>
    <span> <string> <string_view> <utility> <variant> <vector> <fmt/format.h>)
  set(precompiled gv_precompiled)
  set(libraries gv_options spdlog::spdlog)
  if("test" IN_LIST ARGN)
    set(precompiled gv_precompiled_test)
    list(APPEND headers <doctest/doctest.h> <nlohmann/json.hpp>)
    list(APPEND libraries doctest::doctest nlohmann_json::nlohmann_json)
  endif()
  set(options -fpch-preprocess)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(options -Xclang -fno-pch-timestamp)
  endif()
  if(NOT TARGET ${precompiled})
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/${precompiled}.cpp" CONTENT "")
    add_library(${precompiled} OBJECT "${PROJECT_BINARY_DIR}/${precompiled}.cpp")
    target_link_libraries(${precompiled} PRIVATE ${libraries})
    target_compile_options(${precompiled} PRIVATE ${options})
    target_precompile_headers(${precompiled} PRIVATE ${headers})
  endif()
  target_compile_options(${name} PRIVATE ${options})
  target_precompile_headers(${name} REUSE_FROM ${precompiled})
endfunction()

# gv_add_library(NAME [SOURCES files... | EXCEPT files...] [DEPENDS targets...] [PLAIN]): every .cpp of the current folder,
# or these, or all but these, as the static library NAME; PLAIN is for what gv-exec links, which has the C++ library alone.
function(gv_add_library name)
  cmake_parse_arguments(ARG "PLAIN" "" "SOURCES;EXCEPT;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  if(ARG_SOURCES)
    set(sources ${ARG_SOURCES})
  else()
    file(GLOB sources CONFIGURE_DEPENDS "*.cpp")
    list(TRANSFORM ARG_EXCEPT PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    list(REMOVE_ITEM sources ${ARG_EXCEPT})
  endif()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC gv_options ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
    if(NOT ARG_PLAIN)
      gv_precompile(${name})
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE gv_options ${ARG_DEPENDS} ${ARG_PRIVATE_DEPENDS})
  endif()
endfunction()

# gv_run_as_app(TARGET): the program is one that the tests run as an app.
function(gv_run_as_app name)
  if(GV_SANITIZE MATCHES "address")
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/test/support/no_leak_check.cpp")
  endif()
endfunction()

# Where gv-exec is installed; and seen from the daemon's folder, since an installation may be moved as a whole.
set(GV_EXEC_FOLDER "${CMAKE_INSTALL_LIBEXECDIR}/gracevisor")
file(RELATIVE_PATH GV_EXEC_FROM_DAEMON
  "${CMAKE_INSTALL_FULL_SBINDIR}" "${CMAKE_INSTALL_FULL_LIBEXECDIR}/gracevisor")
