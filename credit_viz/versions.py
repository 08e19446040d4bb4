"""Which libraries decided a result. Knows the installation only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version

__all__ = ["versions"]


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions; a package that is not installed is left out."""
    found = ((package, _version(package)) for package in packages)
    return {package: number for package, number in found if number is not None}


@cache  # each look-up reads files
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout that is not installed
        return None
