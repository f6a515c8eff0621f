# SPDX-License-Identifier: BSL-1.0
# holdfast_embed(TARGET NAMESPACE ns HEADER file FILES a.lua b.sql ...)
# writes HEADER with one `inline constexpr std::string_view` for each file, named after the file,
# and `<name>_sha1` beside it. A change of a file makes the build configure again.

function(holdfast_embed target)
  cmake_parse_arguments(PARSE_ARGV 1 embed "" "NAMESPACE;HEADER" "FILES")
  set(text "// SPDX-License-Identifier: BSL-1.0\n")
  string(APPEND text "// Made by CMake from the files named below; not to be edited.\n")
  string(APPEND text "#pragma once\n\n#include <string_view>\n\nnamespace ${embed_NAMESPACE} {\n")
  foreach(file IN LISTS embed_FILES)
    set(path "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(READ "${path}" content)
    file(SHA1 "${path}" sha1)
    cmake_path(GET file STEM name)
    string(APPEND text "\n// ${file}\n"
      "inline constexpr std::string_view ${name} = R\"=====(${content})=====\";\n"
      "inline constexpr std::string_view ${name}_sha1 = \"${sha1}\";\n")
  endforeach()
  string(APPEND text "\n}  // namespace ${embed_NAMESPACE}\n")
  set(header "${PROJECT_BINARY_DIR}/generated/${embed_HEADER}")
  file(GENERATE OUTPUT "${header}" CONTENT "${text}")
  target_sources(${target} PRIVATE "${header}")
  target_include_directories(${target} PRIVATE "${PROJECT_BINARY_DIR}/generated")
endfunction()
