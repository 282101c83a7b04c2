"""A certificate for this machine, made for one run, and who trusts it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from evaluation.faults.databases import CannotBreak


@dataclass(frozen=True)
class Certificate:
    """Its files."""

    certificate: Path
    key: Path

    def trusted(self) -> ssl.SSLContext:
        """Return what a client needs that trusts it."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def served(self) -> ssl.SSLContext:
        """Return what a server needs that has it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make(folder: Path) -> Certificate:
    """Make one in a folder.

    Raises: CannotBreak, where openssl is not installed.
    """
    if not shutil.which("openssl"):
        raise CannotBreak("openssl is not installed, which makes the certificates of the proxy and of the server that hand-offs go to (Debian: apt install openssl)")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7", "-keyout", made.key, "-out", made.certificate, *names], check=True, capture_output=True)
    return made
