// The table of all keys: of [daemon], [listen.NAME] and [app.NAME] (see key.h). Thread: any.
#pragma once

#include "config/app_keys.h"       // IWYU pragma: export
#include "config/daemon_keys.h"    // IWYU pragma: export
#include "config/listener_keys.h"  // IWYU pragma: export
