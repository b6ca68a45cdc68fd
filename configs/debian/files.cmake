# Read by cpack when everything lies in the folder that becomes the package: adds what Debian wants of one, and
# compresses documentation.
set(root "${CPACK_TEMPORARY_DIRECTORY}")
set(doc "${root}/usr/share/doc/${CPACK_PACKAGE_NAME}")
set(configs "${CPACK_GV_CONFIGS}")

# put(FILE FOLDER NAME MODE-WORDS...): FILE of configs/ as FOLDER/NAME.
function(put file folder name)
  configure_file("${configs}/${file}" "${root}/${folder}/${name}" COPYONLY FILE_PERMISSIONS ${ARGN})
endfunction()
set(plain OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(program ${plain} OWNER_EXECUTE GROUP_EXECUTE WORLD_EXECUTE)

# All of its keys are comments: it defines no app and opens no port, so it may be in force from the beginning.
put(gracevisor.toml etc/gracevisor gracevisor.toml ${plain})
put(gracevisor.service lib/systemd/system gracevisor.service ${plain})
put(gracevisor.init etc/init.d gracevisor ${program})
put(debian/copyright usr/share/doc/${CPACK_PACKAGE_NAME} copyright ${plain})
put(debian/lintian-overrides usr/share/lintian/overrides ${CPACK_PACKAGE_NAME} ${plain})
file(REMOVE "${doc}/examples/gracevisor.service" "${doc}/examples/gracevisor.init")

# SOURCE_DATE_EPOCH, where it is set, is the time. Words of a date are English in any locale.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(version "${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
file(WRITE "${doc}/changelog.Debian" "${CPACK_PACKAGE_NAME} (${version}) unstable; urgency=medium

  * This version; NEWS.md.gz says what is new in it.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")

file(GLOB compressed "${root}/usr/share/man/man*/*.[1-9]" "${doc}/NEWS.md" "${doc}/changelog.Debian")
execute_process(COMMAND gzip -9nf ${compressed} COMMAND_ERROR_IS_FATAL ANY)
file(CHMOD_RECURSE "${doc}" "${root}/usr/share/man" "${root}/usr/share/lintian"
  FILE_PERMISSIONS ${plain} DIRECTORY_PERMISSIONS ${program})
foreach(folder etc etc/gracevisor etc/init.d lib lib/systemd lib/systemd/system)
  file(CHMOD "${root}/${folder}" DIRECTORY_PERMISSIONS ${program} FILE_PERMISSIONS ${program})
endforeach()
