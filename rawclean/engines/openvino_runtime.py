"""OpenVINO's runtime, kept from telling Intel of every start and from waiting for itself.

When it is imported it sends an event, if the package openvino-telemetry can be imported, which its wheel brings along.
Photos are nobody's business, nor is who works on them: here that import fails, and OpenVINO goes without.
"""

import sys

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # noqa: E402 (not before)
from openvino import frontend, opset13  # noqa: E402

openvino.Tensor(np.zeros(1, np.float32))
# The bindings find numpy at the first array: two threads that bring one at the same time wait for each other without
# end. A module is imported by one thread.

UNREADABLE = (RuntimeError, frontend.GeneralFailure, frontend.InitializationFailure, frontend.OpConversionFailure)
"""What OpenVINO raises of a file that is no network."""

__all__ = ["UNREADABLE", "frontend", "openvino", "opset13"]
