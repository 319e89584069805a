"""Runs a command and prints, as its own last line, what the whole process used: `usage {"cpuSeconds": …, "wallSeconds": …}`."""

import json
import os
import sys
import time

start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
sys.stdout.flush()
print("\nusage " + json.dumps({"cpuSeconds": usage.ru_utime + usage.ru_stime, "wallSeconds": wall}), flush=True)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
