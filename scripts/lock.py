"""Write the lock files from pyproject.toml: versions and hashes, no download addresses. Usage: python scripts/lock.py PATH_TO_UV"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.lock": "--no-dev", "requirements-test.lock": "--only-dev"}  # what runs; what tests want beside it, in the same versions
HEADER = "# Made by `make lock` from pyproject.toml: versions and hashes only.\n"


def without_never(exported: str) -> str:
    """Return the export without the entries that the overrides made impossible to install (`sys_platform == 'never'`)."""
    entries: list[str] = []
    for line in exported.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += "\n" + line
        elif line.strip():
            entries.append(line)
    return "\n".join(entry for entry in entries if "'never'" not in entry) + "\n"


def main(uv: str) -> None:
    subprocess.run([uv, "lock", "--quiet"], cwd=ROOT, check=True)
    command = [uv, "export", "--quiet", "--format", "requirements.txt", "--no-emit-project", "--no-emit-local", "--no-annotate", "--no-header"]
    for name, which in LOCKS.items():
        exported = subprocess.run([*command, which], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        (ROOT / name).write_text(HEADER + without_never(exported), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
