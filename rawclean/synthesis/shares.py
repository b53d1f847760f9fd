"""Shares of crops, as recipes name them."""


def check_shares(**shares: float) -> None:
    """Raise ValueError for the first of `shares` that is not from 0 to 1."""
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} = {share:g} is a share of the crops and must be from 0 to 1")
