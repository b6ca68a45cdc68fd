# Installation, and the Debian package: `cmake --build build/release --target package` leaves it in build/release.
install(TARGETS gracevisord RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS gv-exec gv-keeper RUNTIME DESTINATION ${GV_EXEC_FOLDER})
install(TARGETS gvctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES apps/gracevisord/gracevisord.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES apps/gracevisord/gracevisor.toml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES apps/NEWS.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Outside of a package nothing is put below /etc or into the hands of an init system: that is the administrator's.
install(FILES configs/gracevisor.toml configs/gracevisor.service configs/gracevisor-sandbox.conf
  configs/gracevisor.init configs/gracevisor.openrc configs/Dockerfile DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gracevisor)
set(CPACK_PACKAGE_CONTACT "gracevisor <dev@gracevisor.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "process supervisor and HTTP load balancer with hitless deploys")
set(CPACK_PACKAGE_DESCRIPTION
"gracevisor runs web applications on one host and replaces them without losing
a request. One daemon is both the process supervisor and the load balancer in
front of the processes, so that a deploy starts a new generation of an app,
waits until its health checks pass, moves the routes in one step, lets every
request of the old generation finish, and only then stops it.

The daemon itself can crash or be upgraded while the apps run on: a small
parent, gv-keeper, holds their processes and the listening sockets.

The package contains the daemon gracevisord and its command line, gvctl.")
set(CPACK_STRIP_FILES ON)
# What the umask of a clone says is nothing for /usr.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA preinst postinst prerm postrm conffiles)
list(TRANSFORM CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA PREPEND "${PROJECT_SOURCE_DIR}/configs/debian/")
# What the package has beside the files above, in the folder that becomes the package.
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/configs/debian/files.cmake")
set(CPACK_GV_CONFIGS "${PROJECT_SOURCE_DIR}/configs")
include(CPack)
