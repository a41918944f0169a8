"""Texts of others as chats, mail headers, tables and terminals can hold them."""


def one_line(text: str, longest: int) -> str:
    """No line breaks or control characters, no halves of characters, not too long."""
    whole = text[: longest + 1].encode("utf-8", "replace").decode()
    shown = "".join(sign if sign.isprintable() else " " for sign in whole).strip()
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def lines(text: str, longest: int) -> str:
    """As `one_line`, with its line breaks."""
    shown = "\n".join(one_line(line, longest) for line in text.splitlines()).strip()
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
