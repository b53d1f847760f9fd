"""Text that files hold, made harmless: control characters can steer a terminal and are not allowed in XML."""

import unicodedata


def printable(text: str) -> str:
    """`text` on one line, with a question mark for each character that cannot be shown."""
    return "".join(character if character.isprintable() else "?" for character in text)


def plain_latin(text: str) -> str:
    """`text` in the letters that every font has: without accents, and with a question mark for what is not Latin."""
    parts = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in parts if not unicodedata.combining(character))
    return bare.encode("ascii", "replace").decode()
