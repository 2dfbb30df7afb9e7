"""Runs a command where every file system is read-only, but one in memory: as in a container without a disk."""

from __future__ import annotations

import shutil
import subprocess

# A namespace of its own: all mounts of the machine stay as they are.
READ_ONLY = (
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    'mount --make-rprivate / && mount -t tmpfs memory /dev/shm && mount -o remount,ro,bind / && exec "$@"',
    "sh",
)


def can_mount_read_only() -> bool:
    """Tell whether this machine lets us do that, with all of /tmp on the read-only side."""
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(
        [*READ_ONLY, "sh", "-c", "! mktemp && mktemp -p /dev/shm"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode == 0
