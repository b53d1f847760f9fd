"""What makes a TIFF a DNG: its samples, how they are coded and checked, and the two ways to write one."""
