"""How much memory a process takes, with its children."""

import subprocess
from pathlib import Path


def memory(pid):
    """MB of a process and its children: proportional set size, so that shared pages count once."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True
    ).stdout.split()
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own / 1000 + sum(memory(int(child)) for child in children)
