"""Headless Chromium with one page of ours, until the page has reported how it went."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clients.installed import JS, chromium, node, packages
from tests.clients.stagehand import Action, Stagehand

PATIENCE_S = 240
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # the client looks for a microphone
    "--use-fake-ui-for-media-stream",
)


def run_page(
    setting: Mapping[str, Any], actions: Mapping[str, Action], folder: Path
) -> dict[str, Any]:
    """Open the page `page.html` in a new browser and give what it reported.

    Args:
        setting: what the page must know.
        actions: what it may ask of the stage.
        folder: for its bundle and the browser's log.
    """
    program = chromium()
    pages = {
        "/page.html": (JS / "page.html").read_bytes(),
        "/page.js": _bundle(folder / "page.js"),
        "/setting.json": json.dumps(setting).encode(),
    }
    with (
        Stagehand(actions, pages) as stagehand,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        (folder / "chromium.log").open("wb") as log,
    ):
        browser = subprocess.Popen(
            [
                program,
                *_FLAGS,
                "--enable-logging=stderr",
                f"--user-data-dir={profile}",
                f"{stagehand.url}/page.html",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            return stagehand.reports.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"the page did not report: see {folder}/chromium.log") from None
        finally:
            browser.terminate()
            browser.wait(10)


def _bundle(path: Path) -> bytes:
    """The page's program with the client library in one file, as a customer would build it."""
    esbuild = packages() / "esbuild" / "bin" / "esbuild"
    done = subprocess.run(
        [
            node(),
            esbuild,
            JS / "page.mjs",
            "--bundle",
            "--format=esm",
            "--target=es2022",
            "--log-level=warning",
            f"--outfile={path}",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=JS,
    )
    assert done.returncode == 0, done.stderr
    return path.read_bytes()
