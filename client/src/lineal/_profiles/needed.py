"""Says which packages profiles need, where they are missing."""

from importlib.util import find_spec


def require(*modules: str) -> None:
    """Raises ImportError: one of the modules is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ImportError(f"profiles need {' and '.join(missing)}: pip install 'lineal[frames]'")
