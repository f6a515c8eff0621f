# SPDX-License-Identifier: BSL-1.0
# Takes the SQLite store out of a copy of the installed tree, and asks for it, and for nonsense.
file(REMOVE_RECURSE "${WORK}")
file(COPY "${PREFIX}/" DESTINATION "${WORK}/prefix")
file(GLOB sqlite "${WORK}/prefix/${LIBDIR}/cmake/holdfast/holdfast-sqlite-*")
if(sqlite)
  file(REMOVE ${sqlite})
endif()

function(expect_error component text)
  file(WRITE "${WORK}/${component}/CMakeLists.txt" "cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES CXX)
find_package(holdfast 1 REQUIRED COMPONENTS ${component})
")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${WORK}/${component}" -B "${WORK}/${component}/build"
      -G "${GENERATOR}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")  # CMake wraps lines.
  string(FIND "${output}" "${text}" at)
  if(status EQUAL 0 OR at EQUAL -1)
    message(FATAL_ERROR "Asked for ${component}, wanted '${text}', got ${status}:\n${output}")
  endif()
endfunction()

expect_error(sqlite "build and install holdfast with -DHOLDFAST_WITH_SQLITE=ON")
expect_error(paper
  "holdfast has no component 'paper'; it knows compat, mysql, range_lock, redis and sqlite")
