"""An agent as its SFU sees it: two real processes, real UDP, and a folder for a store."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from capture_agent import spool
from isotrack.recording.manifest import Manifest
from isotrack.rtp.dump import read_dump

ROOT = Path(__file__).parents[2]

VP8: dict[str, Any] = {
    "track_type": "video",
    "mime_type": "video/VP8",
    "payload_type": 96,
    "clock_rate": 90000,
    "ssrc": 0x1234,
}


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not true within {seconds} s")
        time.sleep(0.02)
    return found


def rtp(sequence: int, payload: bytes = b"", payload_type: int = 96, ssrc: int = 0x1234) -> bytes:
    """An RTP packet."""
    return struct.pack(">BBHII", 0x80, payload_type, sequence, sequence * 3000, ssrc) + payload


def sender_report(ssrc: int = 0x1234) -> bytes:
    """An RTCP sender report."""
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, ssrc, 1, 2, 3, 4, 5)


class AgentProcess:
    """An agent that runs, and a call of its SFU."""

    call = "c1"

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.store = folder / "store"
        self.spool = folder / "spool"
        first = random.randrange(20000, 31000, 2)
        self.environment = {
            **{name: value for name, value in os.environ.items() if "ISOTRACK" not in name},
            "ISOTRACK_AGENT_ID": "agent-1",
            "ISOTRACK_STORE": self.store.as_uri(),
            "ISOTRACK_SPOOL_DIR": str(self.spool),
            "ISOTRACK_CONTROL_PORT": "0",
            "ISOTRACK_MEDIA_PORTS": f"{first}-{first + 199}",
            **environment,
        }
        self.log = (folder / "agent.log").open("ab")
        self.start()

    def start(self) -> None:
        """Start it; return once it answers."""
        self.running = subprocess.Popen(
            [sys.executable, "-m", "capture_agent"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        assert self.running.stdout is not None
        url = json.loads(self.running.stdout.readline())["control"]
        self.http = httpx.Client(base_url=f"{url}/v1/", timeout=20)

    def kill(self, *, with_capture: bool) -> None:
        """Kill -9 the agent, and with it or not its capture process."""
        capture = self.capture_pid()
        self.running.kill()
        if with_capture:
            os.kill(capture, signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """Tell it to stop; its status."""
        self.running.terminate()
        self._reap()
        return self.running.returncode

    def close(self) -> None:
        """Leave nothing behind."""
        if self.running.returncode is None:
            self.running.kill()
            self._reap()
        self.log.close()

    def _reap(self) -> None:
        assert self.running.stdout is not None
        self.running.wait(30)
        self.running.stdout.close()
        self.http.close()

    def capture_pid(self) -> int:
        """The capture process."""
        children = Path(f"/proc/{self.running.pid}/task/{self.running.pid}/children").read_text()
        return int(children.split()[0])

    def path(self, within: str = "") -> str:
        """A path of the call in the control interface."""
        return f"calls/default/{self.call}/{within}".rstrip("/")

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """PUT that must succeed."""
        answer = self.http.put(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, path: str) -> None:
        """DELETE that must succeed."""
        answer = self.http.delete(path)
        assert answer.status_code == 204, answer.text

    def state(self) -> Any:
        """GET /v1/state."""
        return self.http.get("state").json()

    def track(self, session: int = 0, track: int = 0) -> Any:
        """A track in the state."""
        calls = [c for c in self.state()["calls"] if c["call"]["call_id"] == self.call]
        return calls[-1]["sessions"][session]["tracks"][track]

    def join(self, session: str = "s1", user: str = "alice") -> None:
        """A participant joins the call."""
        self.put(self.path(f"sessions/{session}"), {"user_id": user})

    def publish(self, track: str = "t1", session: str = "s1", **changes: Any) -> Any:
        """A participant publishes; the ports."""
        return self.put(self.path(f"sessions/{session}/tracks/{track}"), VP8 | changes)

    def record(self, **body: Any) -> Any:
        """Recording starts."""
        return self.put(self.path("recording"), body)

    def spooled(self) -> int:
        """Records in the spool's segments that are not sealed yet."""
        total = 0
        for number in spool.numbers(self.spool):
            try:
                total += spool.read_segment(spool.path(self.spool, number)).take.size
            except FileNotFoundError:  # sealed meanwhile
                continue
        return total

    def manifest(self) -> Manifest:
        """The first manifest of the call, once it is there."""
        return wait_until(self.manifests)[0]

    def stored(self, pattern: str) -> list[Path]:
        """What is stored of the call."""
        return list((self.store / "raw/default" / self.call).rglob(pattern))

    def manifests(self) -> list[Manifest]:
        """All manifests of the call that are there."""
        found = sorted(self.stored("manifest.json"))
        return [Manifest.model_validate_json(path.read_bytes()) for path in found]

    def packets(self, manifest: Manifest, track: int = 0) -> list[bytes]:
        """All packets of a track, chunk by chunk, without the chunks' trailers."""
        packets = []
        for chunk in manifest.tracks[track].chunks:
            records = read_dump((self.store / chunk.key).read_bytes())
            assert records.intact
            assert records.offset.size == chunk.packets
            assert np.all(np.diff(records.arrival_us) >= 0)
            packets += [
                records.buffer[at : at + length].tobytes()
                for at, length in zip(records.offset, records.length, strict=True)
            ]
        return packets
