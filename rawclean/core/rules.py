"""What the values of a configuration must be."""


def check_rules(*rules: tuple[str, bool]) -> None:
    """Raise ValueError with the first rule, in words, that does not hold."""
    for words, holds in rules:
        if not holds:
            raise ValueError(words)
