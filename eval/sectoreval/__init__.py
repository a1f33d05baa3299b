"""Sectoreval: every app scored on its sector's benchmarks, with numbers that can be believed."""
