"""The ways in which a person says things in `tracks.json`, brought into one form.

Each function takes what was said of one field; what it does not know it leaves as it is, for the
field's own check to complain about.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

_FORMATS = {
    "opus": ("audio", 48_000, 2, None),
    "pcmu": ("audio", 8000, 1, 0),
    "pcma": ("audio", 8000, 1, 8),
    "g722": ("audio", 8000, 1, 9),
    "cn": ("audio", 8000, 1, 13),
}
"""Kind, clock rate, channels and payload type where there is no word of them (RFC 3551, 7587)."""

_AUDIO = {*_FORMATS, "isac", "ilbc", "l16", "g729", "speex", "multiopus", "red", "mpa", "aac"}
_NAMES = {"h.264": "h264", "avc": "h264", "hevc": "h265", "h.265": "h265", "av1x": "av1"}
_MECHANISMS = {"flexfec": "flexfec-03", "flexfec03": "flexfec-03"}

Port = Annotated[int, Field(ge=1, le=65535)]


class FlowFilter(BaseModel):
    """Addresses that packets of a track have; what is None is not looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    src_ip: str | None = None
    src_port: Port | None = None
    dst_ip: str | None = None
    dst_port: Port | None = None
    port: Port | None = None
    """On either end."""

    def matches(self, source: str, destination: str) -> bool:
        """Whether packets from here to there are meant."""
        return (
            _fits(self.src_ip, self.src_port, source)
            and _fits(self.dst_ip, self.dst_port, destination)
            and (
                self.port is None
                or _fits(None, self.port, source)
                or _fits(None, self.port, destination)
            )
        )


def _fits(ip: str | None, port: int | None, end: str) -> bool:
    host, _, number = end.rpartition(":")
    return (ip is None or ip.strip("[]") == host.strip("[]")) and port in (None, int(number))


def as_mime_type(said: Any) -> Any:
    """`video/VP8`, or `vp8` alone; clock rate and channels of SDP (`opus/48000/2`) are cut."""
    if not isinstance(said, str):
        return said
    kind, slash, name = said.strip().lower().partition("/")
    if not slash or kind not in ("audio", "video"):
        name = kind
        kind = "audio" if name in _AUDIO else "video"
    name = name.partition("/")[0]
    return f"{kind}/{_NAMES.get(name, name)}"


def default_format(said: dict[str, Any], mime_type: str) -> dict[str, Any]:
    """A track with what its mime type tells of it."""
    kind, _, name = mime_type.partition("/")
    _, clock_rate, channels, payload_type = _FORMATS.get(
        name, (kind, 90_000 if kind == "video" else 48_000, 1, None)
    )
    told = {"track_type": kind, "clock_rate": clock_rate, "channels": channels}
    if payload_type is not None and "pt" not in said:
        told["payload_type"] = payload_type
    return told | said


def as_fmtp(said: Any) -> Any:
    """An object, or the string of SDP: `packetization-mode=1;profile-level-id=42e01f`."""
    if isinstance(said, dict):
        return {str(k): v if isinstance(v, str) else _json_text(v) for k, v in said.items()}
    if not isinstance(said, str):
        return said
    pairs = (part.strip().partition("=") for part in said.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _json_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def as_ssrc(said: Any) -> Any:
    """A number, or one as text: decimal or `0x...`."""
    if isinstance(said, str):
        try:
            return int(said.strip(), 0)
        except ValueError:
            return said
    return said


def as_ssrcs(said: Any) -> Any:
    """One SSRC or several."""
    return [as_ssrc(one) for one in said] if isinstance(said, list | tuple) else [as_ssrc(said)]


def _renamed(said: dict[str, Any]) -> dict[str, Any]:
    """An object with `pt` and `ssrc` as they are meant."""
    renamed = {"payload_type" if name == "pt" else name: value for name, value in said.items()}
    return renamed | ({"ssrc": as_ssrc(renamed["ssrc"])} if "ssrc" in renamed else {})


def as_payload_type_only(said: Any) -> Any:
    """An object with a `payload_type`, or that number alone."""
    if isinstance(said, dict):
        return _renamed(said)
    return {"payload_type": said} if isinstance(said, int) else said


as_rtx = as_payload_type_only


def as_fec(said: Any) -> Any:
    """An object; the mechanism is FlexFEC where it has an SSRC of its own and nothing is said."""
    if not isinstance(said, dict):
        return said
    fec = _renamed(said)
    mechanism = fec.get("mechanism", "flexfec-03" if fec.get("ssrc") is not None else "ulpfec")
    known = _MECHANISMS.get(mechanism, mechanism) if isinstance(mechanism, str) else mechanism
    return fec | {"mechanism": known}


def as_layers(said: Any) -> Any:
    """Objects with rid, ssrc and rtx_ssrc (or `rtx: {ssrc}`), or rids alone."""
    if not isinstance(said, list | tuple):
        return said
    return [_as_layer(one) for one in said]


def _as_layer(said: Any) -> Any:
    if isinstance(said, str):
        return {"rid": said}
    if not isinstance(said, dict):
        return said
    layer = _renamed(said)
    rtx = layer.pop("rtx", None)
    if isinstance(rtx, dict):
        layer.setdefault("rtx_ssrc", rtx.get("ssrc"))
    if "rtx_ssrc" in layer:
        layer["rtx_ssrc"] = as_ssrc(layer["rtx_ssrc"])
    return layer


def as_extensions(said: Any) -> Any:
    """`{uri: id}`, `{id: uri}` or `[{uri, id}]`."""
    if isinstance(said, list):
        pairs = [(one.get("uri"), one.get("id")) for one in said if isinstance(one, dict)]
        return dict(pairs) if len(pairs) == len(said) else said
    by_id = isinstance(said, dict) and all(str(name).isdecimal() for name in said)
    return {uri: int(identifier) for identifier, uri in said.items()} if by_id else said


def as_flow(said: Any) -> Any:
    """Addresses in any of the ways `FlowFilter` is written: see `docs/import.md`."""
    if isinstance(said, str):
        source, arrow, destination = said.partition("->")
        if not arrow:
            ip, port = _split_end(source)
            return {"port": port} if ip is None else {"dst_ip": ip, "dst_port": port}
        said = {"src": source, "dst": destination}
    if not isinstance(said, dict):
        return said
    flow = {k: v for k, v in said.items() if k not in ("src", "dst", "rtp_port", "rtcp_port")}
    if "rtp_port" in said:
        flow["port"] = said["rtp_port"]
    for end in ("src", "dst"):
        if isinstance(said.get(end), str):
            ip, port = _split_end(said[end])
            flow |= {f"{end}_ip": ip, f"{end}_port": port}
        elif end in said:
            flow[end] = said[end]
    return flow


def _split_end(end: str) -> tuple[str | None, Any]:
    """`ip:port`, `:port`, `[ip6]:port`, or an `ip` alone."""
    ip, colon, port = end.strip().rpartition(":")
    if not colon or end.strip().endswith("]") or (ip.count(":") > 0 and not ip.startswith("[")):
        return end.strip().strip("[]") or None, None
    return ip.strip("[]") or None, int(port) if port.isdecimal() else port or None
