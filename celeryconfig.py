"""Celery, configured in one place: workers, beat and Flower read this file (`config_from_object`).

Names are Celery's own (docs.celeryq.dev, "Configuration and defaults"). A missing or silly setting stops the
process here, with one sentence. docs/decisions/0005-worker-pool.md tells why the pool is one of threads.
"""

from kombu import Exchange
from kombu import Queue as KombuQueue

from shared import messages
from shared.messages import (
    BackUp,
    CheckInvariants,
    ExpireImages,
    MakeReports,
    PreparePartitions,
    PruneTemporary,
    Queue,
    Reconcile,
    Recover,
    RemoveOrphans,
    RollUp,
    SweepInbox,
    SweepPeople,
)
from shared.settings import load_settings

settings = load_settings()

# --- what there is to do, and where it waits ------------------------------------------------
# The api sends by name; only workers import the code.
imports = tuple(sorted({kind.task.rpartition(".")[0] for kind in messages.ALL}))
task_routes = {kind.task: {"queue": kind.queue.value} for kind in messages.ALL}
task_queues = tuple(KombuQueue(name.value, Exchange(name.value, type="direct"), name.value) for name in Queue)
task_default_queue = Queue.MAINTENANCE.value
task_create_missing_queues = False  # a misspelt queue is an error, not a new queue that nobody reads

# --- the broker: Redis, every wait bounded ---------------------------------------------------
BROKER_SECONDS = 5.0
broker_url = settings.redis_url.get_secret_value()
broker_connection_timeout = BROKER_SECONDS
broker_connection_retry = True
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # Redis comes back; giving up would only move the wait to the supervisor
broker_heartbeat = 0  # AMQP's; the Redis transport checks by itself, see health_check_interval
broker_transport_options = {
    # A message is redelivered when its worker has not answered for this long. The lease of a job ends well before.
    "visibility_timeout": round(settings.broker_visibility_seconds),
    # By default kombu looks for such messages only every 100 seconds.
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": BROKER_SECONDS,
    "socket_connect_timeout": BROKER_SECONDS,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "retry_on_timeout": False,
}
task_publish_retry = False  # beat sends again soon, and it alone publishes through Celery
worker_cancel_long_running_tasks_on_connection_loss = False  # the claim is in Postgres; Redis may come and go

# --- messages: JSON wake-ups; Postgres holds the results ------------------------------------
accept_content = ["json"]
task_serializer = "json"
event_serializer = "json"
task_ignore_result = True
task_store_errors_even_if_ignored = False
result_backend = None
enable_utc = True
timezone = "UTC"

# --- delivery: at least once, one message a thread -------------------------------------------
task_acks_late = True  # a message outlives its worker
task_acks_on_failure_or_timeout = True  # but not its task: attempts are counted in Postgres
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1  # a long job must not hold short ones back

# --- the pool --------------------------------------------------------------------------------
# A thread claims, fetches, waits for its engine process and stores. All that computes, and all that may leak,
# crash or run for ever, is in the engine's processes (workers/engine_process.py), which are recycled there.
worker_pool = "threads"
worker_concurrency = 1
# Celery enforces this in a pool of processes; workers/watchdog.py does in a pool of threads.
task_time_limit = settings.task_limit_seconds
# Likewise of a pool of processes, should `--pool=prefork` be chosen: what one child may do and hold (in KiB).
worker_max_tasks_per_child = 1_000
worker_max_memory_per_child = 400_000
# Work that takes longer than this after SIGTERM is given back; platforms kill after 10 s or more.
worker_soft_shutdown_timeout = 6.0

# --- seeing --------------------------------------------------------------------------------
worker_hijack_root_logger = False  # shared/logging_setup.py is in charge
worker_redirect_stdouts = False
worker_send_task_events = True  # Flower shows tasks by them
task_send_sent_event = False  # the sender is the api, whose requests must not pay for it
task_track_started = False
event_queue_expires = 60
event_queue_ttl = 5

# --- beat: sends the sweeps; two beats or none do no harm --------------------------------------
beat_scheduler = "celery.beat:Scheduler"  # nothing to remember between runs, so no file
beat_schedule = {
    name: {
        "task": kind.task,
        "schedule": seconds,
        # A sweep that nobody took in time is worth nothing: the next one does all of its work.
        "options": {"queue": kind.queue.value, "expires": seconds},
    }
    for name, kind, seconds in (
        ("recover", Recover, settings.recovery_interval_seconds),
        ("expire-images", ExpireImages, settings.retention_interval_seconds),
        # It lists the whole bucket, so it comes more seldom.
        ("remove-orphans", RemoveOrphans, settings.retention_interval_seconds * 10),
        ("check-invariants", CheckInvariants, settings.invariants_interval_seconds),
        ("prune-temporary", PruneTemporary, 3_600.0),
        ("back-up", BackUp, 3_600.0),
        ("sweep-people", SweepPeople, settings.retention_interval_seconds),
        ("sweep-inbox", SweepInbox, settings.recovery_interval_seconds),
        ("reconcile", Reconcile, settings.reconcile_interval_seconds),
        ("prepare-partitions", PreparePartitions, 3_600.0),
        ("roll-up", RollUp, 600.0),
        ("make-reports", MakeReports, 60.0),
    )
}
