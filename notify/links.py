"""From a path below the server's address to one that people elsewhere can follow."""

from django.conf import settings


def absolute(path: str) -> str:
    """With the server's public address, where LINEAL_PUBLIC_URL says one; else the path as it is."""
    return f"{settings.PUBLIC_URL}{path}" if path.startswith("/") else path
