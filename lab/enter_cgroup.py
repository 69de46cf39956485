"""enter_cgroup.py PROCS-FILE… -- PROGRAM ARGUMENT…: enter the cgroups, then become the program.

A program of its own because code that runs between fork and exec is not safe in a process with threads.
"""

import os
import sys

if __name__ == "__main__":
    split = sys.argv.index("--")
    for procs in sys.argv[1:split]:
        with open(procs, "w", encoding="ascii") as file:  # noqa: PTH123 - one import less before exec
            file.write("0")
    os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])  # noqa: S606 - becoming another program is its purpose
