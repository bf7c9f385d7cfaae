"""Builds every object from one snapshot and runs them; nothing else reads settings."""

from gateway.app.service import Service

__all__ = ["Service"]
