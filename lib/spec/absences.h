// What a configuration names and this host, or this process's user, does not have: programs, directories,
// users, files of variables, folders for logs and sockets, the sockets of syslog and journald, and the rights
// that limits and privileges take. Each is looked for as a start would do it, so what is not mentioned here
// will be found; but another user, or the host that the files are meant for, may see it differently: these
// are warnings. What this process's user may not see is never called missing. Thread: any that may block on
// the disk and on the user database.
#pragma once

#include <vector>

#include "config/load.h"
#include "spec/file_reader.h"

namespace gracevisor::spec {

// In no particular order. `reader`: how files of variables are read.
[[nodiscard]] std::vector<config::Diagnostic> absences(const config::Loaded& loaded,
                                                       const FileReader& reader);

}  // namespace gracevisor::spec
