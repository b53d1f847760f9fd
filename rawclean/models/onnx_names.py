"""What the tensors of an exported model are called; known without torch."""

PLANES, SHOT, READ = "planes", "shot", "read"
"""Inputs: linear planes (1, P, H, W) of a mosaic, and the noise (P,) of each."""
NOISE = "noise"
"""What is to be taken away, (1, P, H, W), linear units."""
IN_SIGMAS, SIGMA, GUIDE = "noise_in_sigmas", "sigma", "guide_"
"""Steps on the way: the network's own answer, the expected deviation, and its inputs at each scale, finest first."""
