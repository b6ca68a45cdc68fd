// gv-exec: what gracevisord starts for each process of an app; it sets the process up and executes the
// program.
#include "spawn/exec_main.h"

int main() {
  return gracevisor::spawn::exec_main();
}
