"""Who is at the keyboard, as far as the machine knows."""

import getpass
import os


def operator() -> str:
    """The name of the system's user; its number where it has no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
