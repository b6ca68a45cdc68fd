#!/bin/sh
# The stress test without its epoch check has to find the fault: as a stranger, or as a data race under TSan.
# usage: negative_control.sh PATH/TO/handoff_stress
output=$("$1" --cutovers 200000 --without-epoch-check 2>&1)
status=$?
case "$output" in
  *"VIOLATION"* | *"data race"*)
    [ "$status" -ne 0 ] && { echo "found, as it should be"; exit 0; } ;;
esac
echo "the fault was not found (status $status): $output"
exit 1
