"""Where a web process listens: what is refused, and what follows for the names that requests may carry."""

import os
import socket

from config.home import CannotStart

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def refuse_open_door(host: str, *, insecure: bool) -> None:
    behind_tls = os.environ.get("LINEAL_PUBLIC_URL", "").startswith("https://")
    if host not in LOOPBACK and not insecure and not behind_tls:
        raise CannotStart(
            f"Listening on {host} would send tokens in the clear. Put TLS in front and set LINEAL_PUBLIC_URL=https://…, "
            "or say --insecure."
        )


def refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise CannotStart(
                f"Port {port} on {host} cannot be had: {exc.strerror}. Choose another with --port."
            ) from exc


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def allow_host(host: str) -> None:
    """A host that is listened on by name may be asked for by that name; a wildcard allows no name by itself."""
    if "LINEAL_HOSTS" not in os.environ and host not in LOOPBACK:
        os.environ["LINEAL_HOSTS"] = f"localhost,127.0.0.1,[::1],{bracketed(host)}"
