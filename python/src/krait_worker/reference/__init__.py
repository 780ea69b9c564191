"""What DSPy itself answers: the reference beside which Krait's native side is held."""

from krait_worker.reference.adapter import Reference

__all__ = ["Reference"]
