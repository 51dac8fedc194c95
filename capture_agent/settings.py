"""What an agent is told by its environment."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from isotrack.recording.tracks import Id


class Settings(BaseSettings):
    """The agent's environment: each variable is the name of a field, after `ISOTRACK_`."""

    model_config = SettingsConfigDict(env_prefix="ISOTRACK_", frozen=True)

    agent_id: Id
    store: str
    """URL of the raw store: `s3://bucket` or `file:///folder`."""
    spool_dir: Path
    """A folder on a local disk, of this agent alone."""
    control_host: str = "127.0.0.1"
    control_port: Annotated[int, Field(ge=0, le=65535)] = 8091
    """0 takes a free port."""
    media_host: IPv4Address = IPv4Address("127.0.0.1")
    """Where media is received, and the address that the SFU is told to send it to."""
    media_ports: Annotated[str, StringConstraints(pattern=r"^\d{1,5}-\d{1,5}$")] = "40000-49999"
    """First and last port."""
    api_url: str | None = None
    """The control plane; without one, recordings are started at the control interface."""
    api_key: str = ""
    agent_token: SecretStr = SecretStr("")
    chunk_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    report_seconds: Annotated[float, Field(gt=0, le=300)] = 5.0
    preroll_seconds: Annotated[float, Field(ge=0, le=60)] = 30.0
    """How long what is published is kept while nobody has said whether to record it; 0 for none.

    Without a control plane none is kept: there is nobody who could say.
    """
    shutdown_seconds: Annotated[float, Field(gt=0, le=3600)] = 25.0
    """How long an agent that was told to stop goes on uploading what it has."""
    clock_speed: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Above 1 for rehearsals only: see `capture_agent.clock`."""

    @property
    def port_range(self) -> range:
        """The media ports."""
        first, last = map(int, self.media_ports.split("-"))
        return range(first, last + 1)

    @model_validator(mode="after")
    def _holds_ports(self) -> Self:
        ports = self.port_range
        if ports.start < 1 or ports.stop > 65536 or len(ports) < 3:
            raise ValueError(f"media_ports {self.media_ports} has no two ports between 1 and 65535")
        return self
