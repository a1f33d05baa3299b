"""Sectorkit: the layer that the sector apps share: retrieval, inference, grounded answers, UI."""

__version__ = "0.1.0"
