"""Lossless JPEG with any predictor, precision and number of components: what other encoders than ours write."""

import struct

import numpy as np

from rawclean.io.dng import ljpeg


def encode(samples: np.ndarray, selection: int, precision: int) -> bytes:
    """Encode samples (H, W, components) with the predictor `selection` (T.81 table H.1)."""
    height, width, components = samples.shape
    differences = _differences(samples.astype(np.int64), selection, precision)
    lengths = ljpeg._code_lengths(np.bincount(ljpeg.CATEGORY[differences], minlength=17).tolist())
    symbols = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
    code = ljpeg._pack_bits(*ljpeg._coded(differences, lengths, ljpeg._canonical_codes(symbols)))
    frame = struct.pack(">BHHB", precision, height, width, components)
    scan = bytes([components]) + b"".join(bytes([i, 0]) for i in range(components)) + bytes([selection, 0, 0])
    parts = [
        b"\xff\xd8",
        ljpeg._segment(0xC3, frame + b"".join(bytes([i, 0x11, 0]) for i in range(components))),
        ljpeg._segment(0xC4, ljpeg._table(symbols)),
        ljpeg._segment(0xDA, scan),
        ljpeg._stuffed(code),
        b"\xff\xd9",
    ]
    return b"".join(parts)


def _differences(values: np.ndarray, selection: int, precision: int) -> np.ndarray:
    left, above, corner = (np.zeros_like(values) for _ in range(3))
    left[:, 1:], above[1:], corner[1:, 1:] = values[:, :-1], values[:-1], values[:-1, :-1]
    predicted = {
        1: left,
        2: above,
        3: corner,
        4: left + above - corner,
        5: left + ((above - corner) >> 1),
        6: above + ((left - corner) >> 1),
        7: (left + above) >> 1,
    }[selection].copy()
    predicted[0, 1:], predicted[1:, 0], predicted[0, 0] = values[0, :-1], values[:-1, 0], 1 << (precision - 1)
    return (values - predicted).ravel().astype(np.uint16)
