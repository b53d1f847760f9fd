"""Text that others have written, made harmless: it can steer a terminal, break XML, or give a password away."""

import re
import unicodedata

_USER = re.compile(r"(?<=://)[^/\s@'\"]+@")
_SECRET_FIELD = re.compile(r"(?i)([?&][^=&\s]*(?:sig|token|key|password|secret|credential)[^=&\s]*=)[^&\s'\"]+")


def printable(text: str) -> str:
    """`text` on one line, with a question mark for each character that cannot be shown."""
    return "".join(character if character.isprintable() else "?" for character in text)


def escaped(text: str) -> str:
    r"""`text` on one line, with what cannot be shown as Python would write it: \x1b, \n, and \xe9 for a lone byte."""
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def without_credentials(text: str) -> str:
    """`text` without the user and password of its URLs, and without the values of signatures, tokens and keys."""
    return _SECRET_FIELD.sub(r"\g<1>***", _USER.sub("***@", text))


def harmless(text: str) -> str:
    """`text` for people: on one line, control characters escaped, credentials taken out."""
    return escaped(without_credentials(text))


def plain_latin(text: str) -> str:
    """`text` in the letters that every font has: without accents, and with a question mark for what is not Latin."""
    parts = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in parts if not unicodedata.combining(character))
    return bare.encode("ascii", "replace").decode()


def _escape(character: str) -> str:
    byte = ord(character) - 0xDC00  # of a name that is no UTF-8, as PEP 383 has it
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode()
