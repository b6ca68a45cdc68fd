"""gracevisord beside nginx, HAProxy and the floor: python3 -m compare, started by bench/run.sh."""
