"""The hall between the doors: every message the house sends, and the queue it waits in.

A message names a task, its queue and its fields, nothing more. It is only a wake-up: Postgres
holds the truth, so a message that comes twice, late or never does no harm.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID


class Queue(StrEnum):
    """Where messages wait. Pools of workers take from one queue, so none can starve another, or from two by turns."""

    RESIZE = "resize"
    ANALYSIS = "analysis"
    PREVIEW = "preview"
    VECTORIZE = "vectorize"
    MAINTENANCE = "maintenance"
    PAYMENTS = "payments"
    REPORTS = "reports"


@dataclass(frozen=True, slots=True)
class Message:
    """A letter for a worker. Subclasses are its kinds; their fields are what the task receives."""

    task: ClassVar[str]
    queue: ClassVar[Queue]

    def fields(self) -> dict[str, str]:
        """The task's keyword arguments, every id as text (messages are JSON)."""
        return {name: str(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class ResizeImage(Message):
    """Bring an image above the working size down to it."""

    task = "workers.resize.resize_image"
    queue = Queue.RESIZE

    image_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class AnalyseImage(Message):
    """Look at an image that is ready, so that the editor can suggest what suits it.

    In a queue of its own, from which the workers of `resize` take by turns: many small uploads at once hold up no
    large one, which cannot be used before it is resized.
    """

    task = "workers.analysis.analyse_image"
    queue = Queue.ANALYSIS

    image_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class RunPreview(Message):
    """Work on a preview job."""

    task = "workers.previews.run_preview"
    queue = Queue.PREVIEW

    job_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class RunVectorization(Message):
    """Work on a vectorization job."""

    task = "workers.vectorize.run_vectorization"
    queue = Queue.VECTORIZE

    job_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class MakeFormat(Message):
    """Make a format that was asked for after its job had succeeded.

    A large PNG takes seconds, which previews should not have to wait for.
    """

    task = "workers.renditions.make_format"
    queue = Queue.VECTORIZE

    job_id: UUID
    user_id: UUID
    format: str


@dataclass(frozen=True, slots=True)
class Recover(Message):
    """Re-send what was never delivered and take back expired leases; sent by beat."""

    task = "workers.recovery.recover"
    queue = Queue.MAINTENANCE


@dataclass(frozen=True, slots=True)
class ExpireImages(Message):
    """Remove images whose time is over and everything made from them; sent by beat."""

    task = "workers.retention.expire_images"
    queue = Queue.MAINTENANCE


@dataclass(frozen=True, slots=True)
class RemoveOrphans(Message):
    """Remove objects that no row has listed for longer than any attempt lasts; sent by beat."""

    task = "workers.retention.remove_orphans"
    queue = Queue.MAINTENANCE


@dataclass(frozen=True, slots=True)
class PreparePartitions(Message):
    """Make the coming months' partitions of the log-like tables; sent by beat."""

    task = "workers.retention.prepare_partitions"
    queue = Queue.MAINTENANCE


@dataclass(frozen=True, slots=True)
class CheckInvariants(Message):
    """Check what must always hold of money and jobs, for `/metrics`; sent by beat."""

    task = "workers.checks.check_invariants"
    queue = Queue.MAINTENANCE


@dataclass(frozen=True, slots=True)
class PruneTemporary(Message):
    """Remove rows that were only ever kept for a while, such as Idempotency-Keys; sent by beat."""

    task = "workers.retention.prune_temporary"
    queue = Queue.MAINTENANCE


@dataclass(frozen=True, slots=True)
class RollUp(Message):
    """Sum the days that have ended, for the dashboard; sent by beat."""

    task = "workers.reports.roll_up"
    queue = Queue.REPORTS


@dataclass(frozen=True, slots=True)
class MakeReports(Message):
    """Make the reports that were too large for their request, and remove old ones; sent by the api and by beat."""

    task = "workers.reports.make_reports"
    queue = Queue.REPORTS


@dataclass(frozen=True, slots=True)
class HandleEvent(Message):
    """Work on a webhook that is kept in the inbox."""

    task = "workers.payments.handle_event"
    queue = Queue.PAYMENTS

    provider: str
    event_id: str


@dataclass(frozen=True, slots=True)
class SweepInbox(Message):
    """Work on webhooks whose message was lost; sent by beat."""

    task = "workers.payments.sweep_inbox"
    queue = Queue.PAYMENTS


@dataclass(frozen=True, slots=True)
class Reconcile(Message):
    """Compare our purchases with Stripe's; sent by beat."""

    task = "workers.payments.reconcile_payments"
    queue = Queue.PAYMENTS


@dataclass(frozen=True, slots=True)
class ExportPerson(Message):
    """Put everything held about a person into a ZIP."""

    task = "workers.privacy.export_person"
    queue = Queue.MAINTENANCE

    export_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class PurgePerson(Message):
    """Forget a person."""

    task = "workers.privacy.purge_person"
    queue = Queue.MAINTENANCE

    user_id: UUID


@dataclass(frozen=True, slots=True)
class SweepPeople(Message):
    """Go on with exports and purges that nobody works on; sent by beat."""

    task = "workers.privacy.sweep_people"
    queue = Queue.MAINTENANCE


@dataclass(frozen=True, slots=True)
class BackUp(Message):
    """Make a backup if the newest is a day old, and mirror storage; sent by beat."""

    task = "workers.backups.back_up"
    queue = Queue.MAINTENANCE


ALL: tuple[type[Message], ...] = (
    ResizeImage,
    AnalyseImage,
    RunPreview,
    RunVectorization,
    MakeFormat,
    Recover,
    ExpireImages,
    RemoveOrphans,
    PreparePartitions,
    CheckInvariants,
    PruneTemporary,
    ExportPerson,
    PurgePerson,
    SweepPeople,
    BackUp,
    RollUp,
    MakeReports,
    HandleEvent,
    SweepInbox,
    Reconcile,
)
BY_TASK: Mapping[str, type[Message]] = {kind.task: kind for kind in ALL}
