"""What the fault runs need of the system. A missing program is a reason to skip outside CI, and a failure in CI."""

from __future__ import annotations

import glob
import os
import shutil

import pytest


def _needs(name: str, is_there: bool, package: str) -> None:
    if not is_there and not os.environ.get("CI"):
        pytest.skip(f"{name} is not installed (Debian: apt install {package})")
    assert is_there, f"CI needs {name}"


@pytest.fixture(scope="module")
def needs_postgres() -> None:
    _needs("PostgreSQL", bool(glob.glob("/usr/lib/postgresql/*/bin/initdb") or shutil.which("initdb")), "postgresql")


@pytest.fixture(scope="module")
def needs_nginx() -> None:
    _needs("nginx", bool(shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")), "nginx-light")
