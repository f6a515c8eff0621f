# SPDX-License-Identifier: BSL-1.0
# Installs BUILD under PREFIX and looks at what is there: every public header of the stores that
# were built, none of the others, and nothing of the private ones.
file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE wanted RELATIVE "${SOURCE}/include/holdfast" "${SOURCE}/include/holdfast/*.hpp")
list(APPEND wanted version.hpp)
if(NOT REDIS)
  list(FILTER wanted EXCLUDE REGEX "^compat/|^dialect")
endif()
if(NOT MYSQL)
  list(REMOVE_ITEM wanted compat/range_lock.hpp)
endif()
foreach(store IN ITEMS MYSQL REDIS SQLITE)
  if(NOT ${store})
    string(TOLOWER "${store}.hpp" header)
    list(REMOVE_ITEM wanted ${header})
  endif()
endforeach()
file(GLOB_RECURSE found RELATIVE "${PREFIX}/include/holdfast" "${PREFIX}/include/holdfast/*")
list(SORT wanted)
list(SORT found)
if(NOT wanted STREQUAL found)
  message(FATAL_ERROR "Installed headers\n  ${found}\nbut the public ones are\n  ${wanted}")
endif()

# A build path in an installed file works on this machine only.
file(GLOB_RECURSE texts "${PREFIX}/*.cmake" "${PREFIX}/*.pc")
foreach(text IN LISTS texts)
  file(STRINGS "${text}" lines)
  foreach(path IN ITEMS "${SOURCE}" "${BUILD}" "${PREFIX}" "holdfast_warnings" "-Werror")
    string(FIND "${lines}" "${path}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${text} speaks of ${path}")
    endif()
  endforeach()
endforeach()
