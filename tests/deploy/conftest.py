"""The proxy of deploy/ in front of whatever a test puts behind it, and two replicas on one PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Iterator

import pytest
from deployment import Cluster, Nginx, Replica

from sijbot.settings import Settings

SECRET = "a secret of these tests alone, long enough"


@pytest.fixture(scope="session")
def nginx() -> str:
    """The program. Skipped where it, or what makes its certificate, is not installed, except in CI."""
    missing = [name for name in ("nginx", "openssl") if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(missing)} not installed (Debian: apt install {' '.join(missing)})")
    assert not missing, f"CI needs {missing}"
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture(scope="session")
def certificate(nginx: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem and key.pem for this machine's loopback address."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*command, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture
def proxies(nginx: str, certificate: Path, tmp_path: Path) -> Nginx:
    return Nginx(nginx, certificate, tmp_path)


@pytest.fixture(scope="module")
def whole_cluster(trained: Settings, postgres: str, nginx: str, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    from sqlalchemy import create_engine

    server = create_engine(postgres.format(database="postgres"), isolation_level="AUTOCOMMIT", future=True)
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE replicas")
    server.dispose()
    settings = {
        "SIJBOT_MODE": "production", "SIJBOT_SECRET": SECRET, "SIJBOT_DATABASE_URL": postgres.format(database="replicas"), "SIJBOT_MODEL": str(trained.model), "SIJBOT_PROXIES": "1",
        "SIJBOT_MESSAGES_PER_MINUTE": "100000", "SIJBOT_REQUESTS_PER_MINUTE": "1000000",
    }  # fmt: skip
    replicas = (Replica(tmp_path_factory.mktemp("one"), settings), Replica(tmp_path_factory.mktemp("two"), settings))
    with ExitStack() as stack:
        for replica in replicas:
            stack.callback(replica.end)
            replica.start()  # one after the other: the first brings the database to the newest schema
        proxy = stack.enter_context(Nginx(nginx, certificate, tmp_path_factory.mktemp("proxy")).running([replica.port for replica in replicas]))
        yield Cluster(proxy, replicas)


@pytest.fixture
def cluster(whole_cluster: Cluster) -> Iterator[Cluster]:
    whole_cluster.make_whole()
    yield whole_cluster
    for replica in whole_cluster.replicas:
        if replica.process.poll() is None:
            replica.thaw()
