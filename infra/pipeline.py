"""From a manifest to recording files: the queue, the starter, the functions, the state machine."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from infra.events import Events
from infra.images import ImageFunction, Target
from infra.machine import RecordingMachine
from infra.queues import WorkQueue
from infra.storage import Storage
from infra.table import Table

STARTER_TIMEOUT = Duration.seconds(30)
FUNCTION_TIMEOUT = Duration.seconds(60)
REMUX_TIMEOUT = Duration.minutes(15)  # Lambda's limit
ONE_VCPU_MB = 1769  # less is a share of a core; more is a second one, which remux does not use


class Pipeline(Construct):
    """One execution of a state machine for each manifest that is written.

    Attributes:
        machine: has the logical id `StateMachine`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        table: Table,
        events: Events,
    ) -> None:
        super().__init__(scope, construct_id)
        self._raw_store = f"s3://{storage.raw.bucket_name}"
        self._recordings_store = f"s3://{storage.recordings.bucket_name}"
        self.machine = RecordingMachine(
            self,
            "Recording",
            plan=self._plan(storage, table),
            remux=self._remux(storage),
            announce=self._announce(storage, table, events),
            complete=self._complete(storage, table, events),
        ).machine
        self._start_on_manifests(storage)

    def _plan(self, storage: Storage, table: Table) -> ImageFunction:
        plan = ImageFunction(
            self,
            "plan",
            target=Target.CONTROL,
            description="Reads a manifest and lists a job for each source.",
            environment={"RAW_STORE": self._raw_store, "TABLE": table.name},
            timeout=FUNCTION_TIMEOUT,
        )
        storage.grant_read_raw(plan.function)
        table.grant_read_write(plan.function)
        return plan

    def _remux(self, storage: Storage) -> ImageFunction:
        remux = ImageFunction(
            self,
            "remux",
            target=Target.MEDIA,
            description="Makes the recording files of one source.",
            environment={
                "RAW_STORE": self._raw_store,
                "RECORDINGS_STORE": self._recordings_store,
            },
            timeout=REMUX_TIMEOUT,
            memory_mb=ONE_VCPU_MB,
        )
        storage.grant_read_raw(remux.function)
        storage.grant_write_recordings(remux.function)
        storage.grant_read_recordings(remux.function)  # it vouches for what the bucket holds
        return remux

    def _announce(self, storage: Storage, table: Table, events: Events) -> ImageFunction:
        announce = ImageFunction(
            self,
            "announce",
            target=Target.CONTROL,
            description="Tells of files that are ready, or why there are none.",
            environment={
                "RAW_STORE": self._raw_store,
                "RECORDINGS_STORE": self._recordings_store,
                "TABLE": table.name,
                "EVENT_BUS": events.bus.event_bus_name,
                "FILE_RETENTION_DAYS": str(storage.recordings_retention.to_days()),
            },
            timeout=FUNCTION_TIMEOUT,
        )
        storage.grant_read_raw(announce.function)
        storage.grant_read_recordings(announce.function)
        table.grant_read_write(announce.function)
        events.grant_put(announce.function)
        return announce

    def _complete(self, storage: Storage, table: Table, events: Events) -> ImageFunction:
        complete = ImageFunction(
            self,
            "complete",
            target=Target.CONTROL,
            description="Lists all that came of a recording, once nothing more will.",
            environment={
                "RAW_STORE": self._raw_store,
                "RECORDINGS_STORE": self._recordings_store,
                "TABLE": table.name,
                "EVENT_BUS": events.bus.event_bus_name,
                "FILE_RETENTION_DAYS": str(storage.recordings_retention.to_days()),
            },
            timeout=FUNCTION_TIMEOUT,
        )
        storage.grant_read_raw(complete.function)
        storage.grant_read_recordings(complete.function)  # it signs links
        storage.grant_write_recordings(complete.function)
        table.grant_read_write(complete.function)
        events.grant_put(complete.function)
        return complete

    def _start_on_manifests(self, storage: Storage) -> None:
        starter = ImageFunction(
            self,
            "starter",
            target=Target.CONTROL,
            description="Starts an execution for each manifest, once.",
            environment={"STATE_MACHINE_ARN": self.machine.state_machine_arn},
            timeout=STARTER_TIMEOUT,
        )
        self.machine.grant_start_execution(starter.function)
        manifests = WorkQueue(
            self,
            "Manifest",
            visibility=Duration.seconds(6 * STARTER_TIMEOUT.to_seconds()),
            max_receive_count=5,
        )
        manifests.feed(starter.function, batch_size=10)
        storage.notify_manifests(manifests.queue)
