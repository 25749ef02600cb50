"""How sure a proposal is."""

from typing import Literal

Confidence = Literal["sure", "likely", "unsure", "none"]
CONFIDENCES: tuple[Confidence, ...] = ("none", "unsure", "likely", "sure")
"""From the lowest to the highest."""


def lowest(*found: Confidence) -> Confidence:
    """The lowest of some confidences."""
    return min(found, key=CONFIDENCES.index)
