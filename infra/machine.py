"""The state machine of a participant session: plan, remux and announce each source, complete."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, IResolvable, RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.alarms import alarm_on_any
from infra.findings import acknowledge
from infra.images import LOG_RETENTION, ImageFunction
from infra.logical_ids import pin
from isotrack.recording.errors import Transient

MACHINE_TIMEOUT = Duration.hours(4)
# A task outlives its function a little, so that the function's own error is the one that is seen.
TASK_GRACE = Duration.seconds(10)
WORTH_RETRYING = (
    Transient.__name__,
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
# The sandbox died: once may be an accident, twice is not.
SANDBOX_DIED = ("Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError")
# A literal null in a payload would be dropped by jsii on its way to the template.
NULL = sfn.JsonPath.string_to_json("null")


class RecordingMachine(Construct):
    """A Standard state machine; its input is `{"manifest_key": str, "revision": int}`.

    One bad source never takes the other with it: its failure is announced, the other goes on. An
    execution fails only when something cannot be announced, and can then be redriven.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: ImageFunction,
        remux: ImageFunction,
        announce: ImageFunction,
        complete: ImageFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        self._plan, self._remux, self._announce = plan, remux, announce
        self._complete = complete
        log_group = logs.LogGroup(
            self, "Logs", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY
        )
        self.machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
            timeout=MACHINE_TIMEOUT,
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ERROR),
        )
        pin(self.machine, "StateMachine")
        pin(log_group, "StateMachineLogs")
        pin(self.machine.node.find_child("Role"), "StateMachineRole")
        self._alarms()
        self._acknowledgments()

    def _definition(self) -> sfn.IChainable:
        plan = self._task(
            "Plan",
            self._plan,
            {
                "manifest_key": sfn.JsonPath.string_at("$.manifest_key"),
                "revision": sfn.JsonPath.number_at("$.revision"),
            },
            output_path="$.Payload",
        )
        complete = self._task(
            "Complete",
            self._complete,
            {"manifest_key": sfn.JsonPath.string_at("$.manifest_key")},
            result_path=sfn.JsonPath.DISCARD,
        )
        failure = self._announce_failure("AnnouncePlanFailure", source=NULL)
        plan.add_catch(failure, result_path="$.error")
        failure.next(complete)
        sources = sfn.Map(
            self,
            "Sources",
            items_path="$.jobs",
            max_concurrency=2,
            result_path=sfn.JsonPath.DISCARD,
        )
        sources.item_processor(self._source())
        return plan.next(sources).next(complete)

    def _source(self) -> sfn.IChainable:
        remux = self._task("Remux", self._remux, output_path="$.Payload")
        failure = self._announce_failure(
            "AnnounceFailure", source=sfn.JsonPath.string_at("$.source")
        )
        remux.add_catch(failure, result_path="$.error")
        announce = self._task(
            "Announce",
            self._announce,
            {"remuxed": sfn.JsonPath.object_at("$")},
            result_path=sfn.JsonPath.DISCARD,
        )
        return remux.next(announce)

    def _announce_failure(self, state: str, *, source: str | IResolvable) -> tasks.LambdaInvoke:
        return self._task(
            state,
            self._announce,
            {
                "failure": {
                    "manifest_key": sfn.JsonPath.string_at("$.manifest_key"),
                    "revision": sfn.JsonPath.number_at("$.revision"),
                    "source": source,
                    "error": sfn.JsonPath.object_at("$.error"),
                }
            },
            result_path=sfn.JsonPath.DISCARD,
        )

    def _task(
        self,
        state: str,
        function: ImageFunction,
        payload: dict[str, Any] | None = None,
        *,
        output_path: str | None = None,
        result_path: str | None = None,
    ) -> tasks.LambdaInvoke:
        """Invoke a function, with its whole input unless told otherwise; retry what may pass."""
        task = tasks.LambdaInvoke(
            self,
            state,
            lambda_function=function.function,
            payload=(
                sfn.TaskInput.from_json_path_at("$")
                if payload is None
                else sfn.TaskInput.from_object(payload)
            ),
            output_path=output_path,
            result_path=result_path,
            retry_on_service_exceptions=False,  # ours says the same, and more
            task_timeout=sfn.Timeout.duration(function.timeout.plus(TASK_GRACE)),
        )
        task.add_retry(
            errors=list(WORTH_RETRYING),
            interval=Duration.seconds(2),
            backoff_rate=2,
            max_attempts=6,
            max_delay=Duration.seconds(60),
            jitter_strategy=sfn.JitterType.FULL,
        )
        task.add_retry(errors=list(SANDBOX_DIED), interval=Duration.seconds(2), max_attempts=1)
        return task

    def _alarms(self) -> None:
        period = Duration.minutes(5)
        for logical_id, metric in {
            "ExecutionsFailed": self.machine.metric_failed(period=period),
            "ExecutionsTimedOut": self.machine.metric_timed_out(period=period),
        }.items():
            alarm_on_any(
                self,
                logical_id,
                metric,
                description="A recording was not announced: look at the execution, then redrive.",
            )

    def _acknowledgments(self) -> None:
        functions = ("PlanFunction", "RemuxFunction", "AnnounceFunction", "CompleteFunction")
        acknowledge(
            self.machine,
            {
                "SF1": "Errors are logged; what went well is in the execution's history, which "
                "Step Functions keeps for 90 days, without the ids of participants in a log.",
                "IAM5[Resource::*]": "Delivery of logs and traces has no resources to name.",
                **{
                    f"IAM5[Resource::<{function}.Arn>:*]": "Any version of this one function."
                    for function in functions
                },
            },
        )
