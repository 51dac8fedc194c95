#!/bin/sh
# Installs the peers that the benchmark runs beside Isotrack, from Debian or Ubuntu.
set -eu

missing=
for program in ffmpeg gst-launch-1.0 janus-pp-rec gcc pkg-config; do
    command -v "$program" >/dev/null || missing=yes
done
for plugin in rtpvp8depay pcapparse h265parse; do
    gst-inspect-1.0 "$plugin" >/dev/null 2>&1 || missing=yes
done
pkg-config --exists libavformat 2>/dev/null || missing=yes
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends \
    ffmpeg libavformat-dev gcc libc6-dev pkg-config janus-tools \
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
