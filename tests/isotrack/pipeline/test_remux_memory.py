"""How much memory a remux takes, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import json, resource, sys
from pathlib import Path
from isotrack.adapters.filesystem import FilesystemStore
from isotrack.recording.tracks import TrackType
from tests.isotrack.pipeline.remuxing import call, made
from tests.sessions import START_US, Sender, Session, opus_call, vp8_call

source, amount, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
if source == "call":
    session = call(amount)
elif source == "busy":
    session = Session()
    session.capture(TrackType.VIDEO, vp8_call(amount, size=9000, packets=530), chunk_us=500_000)
    session.seal()
else:
    session, sender = Session(), Sender(payload_type=111, ssrc=5678)
    hours = int(amount)
    opus_call(5, sender=sender)
    later_us, ticks = START_US + hours * 3_600_000_000, hours * 3600 * 48_000
    opus_call(5, sender=sender, start_us=later_us, timestamp=ticks)
    session.capture(TrackType.AUDIO, sender.sent)
    session.seal()
raw = FilesystemStore(folder / "raw")
for key, body in session.store.objects.items():
    raw.put(key, body)
session.store.objects.clear()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made(session, FilesystemStore(folder / "out"), raw=raw)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


def grown_kib(source: str, amount: float, folder: Path) -> int:
    """By how much the peak of memory grew while the files were made."""
    arguments = [sys.executable, "-c", MEASURE, source, str(amount), str(folder)]
    run = subprocess.run(arguments, check=False, capture_output=True, timeout=250)
    assert run.returncode == 0, run.stderr.decode()
    return int(json.loads(run.stdout))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "little", "much"),
    [
        ("call", 60, 600),
        pytest.param("busy", 2, 12, id="16,000 packets a second"),
        pytest.param("mute", 1, 8, id="hours of mute"),
    ],
)
def test_memory_does_not_grow_with_the_call(
    source: str, little: float, much: float, tmp_path: Path
) -> None:
    """Edge case 220: it is bounded by what is at hand, not by the file."""
    few = grown_kib(source, little, tmp_path / "few")
    many = grown_kib(source, much, tmp_path / "many")

    assert many - few < 8 * 1024
