"""Verifier keys as the command line takes them: the key itself, or a file that holds it."""

from pathlib import Path

from lineal.cli.exits import usage_error


def read_vkey(text: str) -> str:
    """`name+id+base64`, checked against its own id.

    Raises:
        CommandFailed: `text` is neither a key nor a file with one.
    """
    from lineal._proofs import InvalidProof, parse_key

    if "+" not in text or Path(text).is_file():
        try:
            text = Path(text).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise usage_error(f"--key: {text!r} is neither a verifier key nor a file with one") from error
    try:
        parse_key(text)
    except InvalidProof as error:
        raise usage_error(f"--key: {error}") from error
    return text
