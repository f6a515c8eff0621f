# SPDX-License-Identifier: BSL-1.0
# What `cmake --install` puts where, and what makes `find_package(holdfast)` and pkg-config work.
# Each component has an export file of its own, so that a package may leave a store out.
# In CMake's other sense of the word, COMPONENT tells cmake/HoldfastPackage.cmake what goes where:
# `cli` and `dev` are in a Debian package, `plain` is replaced there by what Debian wants.
include(CMakePackageConfigHelpers)

set(HOLDFAST_CONFIG_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/holdfast")

# holdfast_install(COMPONENT TARGETS ...)
function(holdfast_install component)
  cmake_parse_arguments(PARSE_ARGV 1 install "" "" "TARGETS")
  foreach(target IN LISTS install_TARGETS)
    get_target_property(sets ${target} INTERFACE_HEADER_SETS)
    set(files "")
    if(sets)
      foreach(set IN LISTS sets)
        list(APPEND files
        FILE_SET ${set} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT dev)
      endforeach()
    endif()
    install(TARGETS ${target}
      EXPORT holdfast-${component}
      ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev
      LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev
      RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT dev
      INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
      ${files})
  endforeach()
  install(EXPORT holdfast-${component}
    FILE holdfast-${component}-targets.cmake
    NAMESPACE holdfast::
    DESTINATION "${HOLDFAST_CONFIG_DIR}"
    COMPONENT dev)
endfunction()

holdfast_install(lock TARGETS holdfast_lock holdfast_memory holdfast_holdfast)

# pkg-config has no components: one file stands for all that was built.
set(pc_defines "-DHOLDFAST_HAS_MEMORY")
set(pc_libs "-lholdfast_memory -lholdfast_lock")
set(pc_requires "")
if(TARGET holdfast_mysql)
  holdfast_install(mysql TARGETS holdfast_mysql)
  string(PREPEND pc_libs "-lholdfast_mysql ")
  string(APPEND pc_defines " -DHOLDFAST_HAS_MYSQL")
  string(APPEND pc_requires " libmariadb")
endif()
if(TARGET holdfast_redis)
  holdfast_install(redis TARGETS holdfast_redis)
  string(PREPEND pc_libs "-lholdfast_redis ")
  string(APPEND pc_defines " -DHOLDFAST_HAS_REDIS")
  string(APPEND pc_requires " libssl libcrypto")
endif()
# What stands first is linked first: the facades before the stores that they use.
if(TARGET holdfast_compat)
  holdfast_install(compat TARGETS holdfast_compat)
  string(PREPEND pc_libs "-lholdfast_compat ")
  string(APPEND pc_defines " -DHOLDFAST_HAS_COMPAT")
endif()
if(TARGET holdfast_range_lock)
  holdfast_install(range_lock TARGETS holdfast_range_lock)
  string(PREPEND pc_libs "-lholdfast_range_lock ")
  string(APPEND pc_defines " -DHOLDFAST_HAS_RANGE_LOCK")
endif()
if(TARGET holdfast_sqlite)
  holdfast_install(sqlite TARGETS holdfast_sqlite)
  string(PREPEND pc_libs "-lholdfast_sqlite ")
  string(APPEND pc_defines " -DHOLDFAST_HAS_SQLITE")
  string(APPEND pc_requires " sqlite3")
endif()

# Relative to the file itself, so that the installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/holdfast.pc.in"
  "${PROJECT_BINARY_DIR}/holdfast.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/holdfast.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/holdfastConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/holdfastConfig.cmake"
  INSTALL_DESTINATION "${HOLDFAST_CONFIG_DIR}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/holdfastConfigVersion.cmake"
  COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/holdfastConfig.cmake"
              "${PROJECT_BINARY_DIR}/holdfastConfigVersion.cmake"
  DESTINATION "${HOLDFAST_CONFIG_DIR}" COMPONENT dev)

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT plain)
