"""One participant of the demo's call, as a process of its own.

`python -m infra.local.demo.publisher < part.json` encodes, packetizes and sends what its part of
the scenario says, and announces it to the capture agent as an SFU would. It says `READY` once it
can begin without delay, and then what it does, one `Notice` a line.
"""

from __future__ import annotations

import signal
import sys

from infra.local.demo.part import READY, Part
from infra.local.demo.performance import Performance
from isotrack.recording.errors import RecordingError


def main() -> int:
    """Play the part on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us ends us
    print(READY, flush=True)
    part = Part.model_validate_json(sys.stdin.read())
    try:
        Performance(part).run()
    except RecordingError as error:
        print(f"{part.participant.user_id}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
