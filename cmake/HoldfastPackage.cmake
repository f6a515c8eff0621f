# SPDX-License-Identifier: BSL-1.0
# Debian packages by CPack: `holdfast`, the program, and `libholdfast-dev`, for compilers.
# `./dev package` makes them; docs/internals/packaging.md says why it is these two.
find_program(HOLDFAST_DPKG_DEB dpkg-deb)
find_program(HOLDFAST_GZIP gzip)
mark_as_advanced(HOLDFAST_DPKG_DEB HOLDFAST_GZIP)
if(NOT HOLDFAST_DPKG_DEB OR NOT HOLDFAST_GZIP OR NOT TARGET holdfast_cli)
  return()
endif()

set(HOLDFAST_MAINTAINER "The holdfast authors <holdfast@packages.invalid>"
  CACHE STRING "Who makes the packages, as `NAME <ADDRESS>`")
set(debian "${PROJECT_BINARY_DIR}/debian")
configure_file("${PROJECT_SOURCE_DIR}/cmake/debian/changelog.in" "${debian}/changelog" @ONLY)

# Debian wants these compressed, with nothing in them that differs from build to build.
set(compressed "")
foreach(file IN ITEMS "${debian}/changelog" "${PROJECT_SOURCE_DIR}/docs/man/holdfast.1")
  cmake_path(GET file FILENAME name)
  add_custom_command(OUTPUT "${debian}/${name}.gz"
    COMMAND "${HOLDFAST_GZIP}" -9nc "${file}" > "${debian}/${name}.gz"
    DEPENDS "${file}" VERBATIM)
  list(APPEND compressed "${debian}/${name}.gz")
endforeach()
add_custom_target(holdfast_package_files ALL DEPENDS ${compressed})

# These are in the packages only: EXCLUDE_FROM_ALL keeps them out of `cmake --install`.
install(FILES "${debian}/holdfast.1.gz"
  DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT cli_debian EXCLUDE_FROM_ALL)
foreach(part IN ITEMS "cli:holdfast" "dev:libholdfast-dev")
  string(REPLACE ":" ";" part "${part}")
  list(GET part 0 component)
  list(GET part 1 package)
  install(FILES "${debian}/changelog.gz" "${PROJECT_SOURCE_DIR}/cmake/debian/copyright"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}"
    COMPONENT ${component}_debian EXCLUDE_FROM_ALL)
endforeach()
install(DIRECTORY
    "${PROJECT_SOURCE_DIR}/examples/containers" "${PROJECT_SOURCE_DIR}/examples/jobs"
    "${PROJECT_SOURCE_DIR}/examples/shell"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/holdfast/examples"
  COMPONENT cli_debian EXCLUDE_FROM_ALL
  USE_SOURCE_PERMISSIONS)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libholdfast-dev/examples"
  COMPONENT dev_debian EXCLUDE_FROM_ALL
  FILES_MATCHING PATTERN "*.cpp" PATTERN "containers" EXCLUDE PATTERN "jobs" EXCLUDE
  PATTERN "shell" EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME holdfast)
set(CPACK_PACKAGE_VENDOR "The holdfast authors")
set(CPACK_PACKAGE_CONTACT "${HOLDFAST_MAINTAINER}")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # Each package has one of its own.
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL cli cli_debian dev dev_debian)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_CLI_PACKAGE_NAME holdfast)
set(CPACK_DEBIAN_CLI_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_CLI_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_CLI_PACKAGE_SUGGESTS "redis-server, mariadb-server, libholdfast-dev")
set(CPACK_DEBIAN_CLI_DESCRIPTION
"run commands under a distributed lock, and manage such locks
Like flock(1), but across machines: the lock is kept on a Redis server or a
quorum of them, in MySQL or MariaDB, or in a file. If the lock is lost, the
command and all its descendants are ended before somebody else can have it.")

# Static libraries need what they were built against, headers and all.
set(dev_depends "libboost1.81-dev | libboost-dev (>= 1.81)")
if(TARGET holdfast_redis)
  string(APPEND dev_depends ", libssl-dev")
endif()
if(TARGET holdfast_sqlite)
  string(APPEND dev_depends ", libsqlite3-dev (>= 3.37)")
endif()
if(TARGET holdfast_mysql)  # CMake finds libmariadb by pkg-config.
  string(APPEND dev_depends ", libmariadb-dev (>= 1:10.6), pkg-config")
endif()
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libholdfast-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${dev_depends}")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "cmake, holdfast")
set(CPACK_DEBIAN_DEV_DESCRIPTION
"distributed locks for C++20: headers and static libraries
Locks that are exclusive within their validity, with a signal when they are
lost and fencing tokens that rise, and holds on ranges; on Redis, MySQL,
MariaDB, SQLite or in memory. For CMake: find_package(holdfast); else
pkg-config holdfast.")

include(CPack)
cpack_add_component_group(cli)
cpack_add_component_group(dev)
foreach(part IN ITEMS cli dev)
  cpack_add_component(${part} GROUP ${part})
  cpack_add_component(${part}_debian GROUP ${part})
endforeach()
