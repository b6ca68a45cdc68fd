# Llhttp::llhttp: a compiled library where the system has one, otherwise compiled from the sources that
# Debian's node-llhttp package installs (/usr/share/llhttp/*.c, /usr/share/include/llhttp/llhttp.h).
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/include /usr/share/include PATH_SUFFIXES llhttp)
find_library(LLHTTP_LIBRARY llhttp)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp)

include(FindPackageHandleStandardArgs)
if(LLHTTP_LIBRARY)
  find_package_handle_standard_args(Llhttp REQUIRED_VARS LLHTTP_LIBRARY LLHTTP_INCLUDE_DIR)
else()
  find_package_handle_standard_args(Llhttp REQUIRED_VARS LLHTTP_SOURCE_DIR LLHTTP_INCLUDE_DIR)
endif()

if(Llhttp_FOUND AND NOT TARGET Llhttp::llhttp)
  if(LLHTTP_LIBRARY)
    add_library(Llhttp::llhttp UNKNOWN IMPORTED)
    set_target_properties(Llhttp::llhttp PROPERTIES
      IMPORTED_LOCATION "${LLHTTP_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${LLHTTP_INCLUDE_DIR}")
  else()
    add_library(gv_llhttp STATIC
      "${LLHTTP_SOURCE_DIR}/api.c" "${LLHTTP_SOURCE_DIR}/http.c" "${LLHTTP_SOURCE_DIR}/llhttp.c")
    target_include_directories(gv_llhttp SYSTEM PUBLIC "${LLHTTP_INCLUDE_DIR}")
    target_compile_options(gv_llhttp PRIVATE -w)
    set_target_properties(gv_llhttp PROPERTIES UNITY_BUILD OFF)
    add_library(Llhttp::llhttp ALIAS gv_llhttp)
  endif()
endif()
