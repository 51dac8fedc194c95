"""Open, self-hosted ISO recording for WebRTC calls."""

__version__ = "0.1.0"
"""As in pyproject.toml; written here, since a Lambda image holds the packages and no metadata."""
