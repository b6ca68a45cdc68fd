# Installation and the Debian package: `cpack -G DEB` in a build configured with -DCMAKE_INSTALL_PREFIX=/usr.
install(TARGETS gracevisord RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS gv-exec RUNTIME DESTINATION ${GV_EXEC_FOLDER})
install(TARGETS gvctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES apps/gracevisord/gracevisord.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES configs/gracevisor.service DESTINATION lib/systemd/system)
install(FILES configs/gracevisor.toml DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/gracevisor)

set(CPACK_PACKAGE_NAME gracevisor)
set(CPACK_PACKAGE_CONTACT "gracevisor <dev@gracevisor.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
include(CPack)
