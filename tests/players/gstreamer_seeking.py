"""Seeks in a file with GStreamer: a program, since `gst-launch-1.0` cannot seek.

    python gstreamer_seeking.py FILE PAD MILLISECONDS...

Prints the duration, for each place where a seek to the keyframe before it lands and where an exact
one does, and at last `end` once the file has been played from the last place on.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys

_PAUSED, _PLAYING, _NULL = 3, 4, 1
_TIME = 3
_FLUSH, _ACCURATE, _KEY_UNIT, _SNAP_BEFORE = 1, 2, 4, 32
_SUCCESS, _EOS = 1, 1
_NS_PER_MS = 1_000_000
_PATIENCE_NS = 30_000_000_000


def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("gstreamer-1.0")
    assert name, "there is no libgstreamer-1.0"
    gst = ctypes.CDLL(name)
    pointer, number = ctypes.c_void_p, ctypes.c_uint64
    gst.gst_parse_launch.restype = pointer
    gst.gst_parse_launch.argtypes = [ctypes.c_char_p, pointer]
    gst.gst_element_set_state.argtypes = [pointer, ctypes.c_int]
    gst.gst_element_get_state.argtypes = [pointer, pointer, pointer, number]
    gst.gst_element_seek_simple.argtypes = [pointer, ctypes.c_int, ctypes.c_int, ctypes.c_int64]
    gst.gst_element_query_position.argtypes = [pointer, ctypes.c_int, pointer]
    gst.gst_element_query_duration.argtypes = [pointer, ctypes.c_int, pointer]
    gst.gst_element_get_bus.restype = pointer
    gst.gst_element_get_bus.argtypes = [pointer]
    gst.gst_bus_timed_pop_filtered.restype = pointer
    gst.gst_bus_timed_pop_filtered.argtypes = [pointer, number, ctypes.c_int]
    gst.gst_init(None, None)
    return gst


class Pipeline:
    """One track of a file on its way into nothing."""

    def __init__(self, path: str, pad: str) -> None:
        self._gst = _library()
        # Told of a gap before it has its first picture, a sink would not know where it is.
        source = f'filesrc location="{path}" ! matroskademux name=d max-gap-time=0'
        graph = f"{source} d.{pad} ! queue ! decodebin"
        self._pipeline = self._gst.gst_parse_launch(f"{graph} ! fakesink".encode(), None)
        assert self._pipeline, "the pipeline cannot be made"
        self._go(_PAUSED)

    def duration_ms(self) -> int:
        """As the demuxer says it."""
        return self._ask(self._gst.gst_element_query_duration)

    def seek_ms(self, at_ms: int, flags: int) -> int:
        """Where a seek lands."""
        place = at_ms * _NS_PER_MS
        assert self._gst.gst_element_seek_simple(self._pipeline, _TIME, flags | _FLUSH, place)
        self._wait()
        return self._ask(self._gst.gst_element_query_position)

    def play(self) -> None:
        """Go on to the end of the file."""
        self._go(_PLAYING)
        bus = self._gst.gst_element_get_bus(self._pipeline)
        assert self._gst.gst_bus_timed_pop_filtered(bus, _PATIENCE_NS, _EOS), "the end never came"
        self._gst.gst_element_set_state(self._pipeline, _NULL)

    def _go(self, state: int) -> None:
        self._gst.gst_element_set_state(self._pipeline, state)
        self._wait()

    def _wait(self) -> None:
        reached = self._gst.gst_element_get_state(self._pipeline, None, None, _PATIENCE_NS)
        assert reached == _SUCCESS, "the pipeline does not get there"

    def _ask(self, query: ctypes._CFuncPtr) -> int:
        answer = ctypes.c_int64()
        assert query(self._pipeline, _TIME, ctypes.byref(answer)), "no answer"
        return answer.value // _NS_PER_MS


def main(path: str, pad: str, *places: str) -> None:
    file = Pipeline(path, pad)
    said = [str(file.duration_ms())]
    for place_ms in map(int, places):
        before = file.seek_ms(place_ms, _KEY_UNIT | _SNAP_BEFORE)
        said.append(f"{before} {file.seek_ms(place_ms, _ACCURATE)}")
    file.play()
    sys.stdout.write("\n".join([*said, "end\n"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
