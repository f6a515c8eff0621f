# SPDX-License-Identifier: BSL-1.0
# holdfast_room(NAME [HEADERS ...] [SOURCES ...] [PUBLIC ...] [PRIVATE ...] [DEFINE ...])
# makes the library target holdfast_NAME with the alias holdfast::NAME, warnings, and a header set.

add_library(holdfast_warnings INTERFACE)
target_compile_options(holdfast_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdelete-non-virtual-dtor -Wold-style-cast
  # GCC 12 sees overlaps in `"a" + string` where there are none (GCC bug 105651), and takes a
  # coroutine's operator new, found through its promise, for another one than its operator delete.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
  # What GCC calls conversions in C++; clang's include int to std::size_t.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
  # GCC 12 gathers the addresses of a coroutine's two functions into a constant when it vectorizes.
  # Where another object file has the same coroutine, the linker drops the functions and is left
  # with the constant: "defined in discarded section". A user's object file is enough for that.
  $<$<CXX_COMPILER_ID:GNU>:-fno-tree-slp-vectorize>
  # In a unity build every source is included by another file; GCC then takes what is private to a
  # source for part of a header.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
  $<$<BOOL:${HOLDFAST_WERROR}>:-Werror>)

function(holdfast_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "HEADERS;SOURCES;PUBLIC;PRIVATE;DEFINE")
  set(target holdfast_${name})
  add_library(${target})
  add_library(holdfast::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    VERIFY_INTERFACE_HEADER_SETS ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  list(TRANSFORM room_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/include/holdfast/")
  target_sources(${target}
    PRIVATE ${room_SOURCES}
    PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${room_HEADERS})
  target_compile_definitions(${target} INTERFACE ${room_DEFINE})
  target_link_libraries(${target}
    PUBLIC ${room_PUBLIC}
    PRIVATE ${room_PRIVATE} $<BUILD_INTERFACE:holdfast_warnings>)
endfunction()
