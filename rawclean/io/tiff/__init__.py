"""Any TIFF: its structure, its tags, and the metadata of the photos that are built on it."""
