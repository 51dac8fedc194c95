"""`python -m infra.local up`: the deployed template on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from infra.local import address
from infra.local.deployer import check
from infra.local.intrinsics import TemplateError
from infra.local.stack import SECRET, TEMPLATE

if TYPE_CHECKING:
    from infra.local.engine import Report, Settings

HOST = "127.0.0.1"
BACKLOG = 128
AWS_PORT = 5566
API_PORT = 5567
EXECUTION_LIMIT_SECONDS = 3600.0


def main() -> int:
    """Run the command."""
    options = _arguments().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    try:
        template = json.loads(options.template.read_text())
        check(template)
        _up(options, template, socket.create_server((HOST, options.aws_port), backlog=BACKLOG))
    except (OSError, TemplateError) as error:
        print(f"the local stack cannot start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


def _up(options: argparse.Namespace, template: Mapping[str, Any], listener: socket.socket) -> None:
    # Importing moto takes seconds: what can be wrong without it has been found by now.
    from infra.local.engine import Engine

    settings = _settings(options, template)
    with Engine(settings, listener) as report:
        if options.child:
            _run_as_child(report)
        else:
            _run(report, settings.folder)


def _stop(_signum: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    up = parser.add_subparsers(required=True).add_parser("up", help="run the stack until Ctrl-C")
    up.add_argument("--template", type=Path, default=TEMPLATE, help="a CloudFormation template")
    up.add_argument("--aws-port", type=int, default=AWS_PORT, help="of all AWS services")
    up.add_argument("--api-port", type=int, default=API_PORT, help="of the HTTP API")
    up.add_argument("--webhook-url", help="short for --parameter WebhookUrl=...")
    up.add_argument("--folder", type=Path, help="for logs; a new temporary one unless given")
    up.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template; may be repeated",
    )
    up.add_argument(
        "--python-path",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="a further folder to import handlers from; may be repeated",
    )
    up.add_argument(
        "--execution-limit",
        type=float,
        default=EXECUTION_LIMIT_SECONDS,
        metavar="SECONDS",
        help="when an execution of a state machine counts as hung, and as failed",
    )
    # For LocalStack: report in JSON, end when stdin is closed.
    up.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def _settings(options: argparse.Namespace, template: Mapping[str, Any]) -> Settings:
    from infra.local.engine import Settings

    parameters = {}
    for pair in options.parameter:
        name, separator, value = pair.partition("=")
        if not separator:
            raise TemplateError(f"--parameter {pair} is not NAME=VALUE")
        parameters[name] = value
    if options.webhook_url is not None:
        parameters["WebhookUrl"] = options.webhook_url
    return Settings(
        template=template,
        parameters=parameters,
        api_port=options.api_port,
        folder=(options.folder or Path(tempfile.mkdtemp(prefix="isotrack-local-"))).resolve(),
        python_path=tuple(path.resolve() for path in options.python_path),
        execution_limit_seconds=options.execution_limit,
    )


def _run_as_child(report: Report) -> None:
    print(json.dumps(dataclasses.asdict(report)), flush=True)
    sys.stdin.buffer.read()  # until the parent closes it, or dies


def _run(report: Report, folder: Path) -> None:
    print(f"AWS services   {report.endpoint}")
    print(f"HTTP API       {report.api_url}")
    for name, value in report.outputs.items():
        print(f"{name:<22} {value}")
    if SECRET in report.resources:
        secret = _secret(report)
        print(f"API key        {secret['api_key']}\nAPI secret     {secret['api_secret']}")
    print(f"logs           {folder}\n\nFor the AWS CLI, boto3, an agent: paste into a shell\n")
    for name, value in address.environment(report.endpoint).items():
        print(f"export {name}={value}")
    print("\nEverything is kept in memory. Ctrl-C ends it.", flush=True)
    signal.pause()


def _secret(report: Report) -> dict[str, Any]:
    client = address.client("secretsmanager", report.endpoint)
    secret: dict[str, Any] = json.loads(
        client.get_secret_value(SecretId=report.resources[SECRET])["SecretString"]
    )
    return secret


if __name__ == "__main__":
    sys.exit(main())
