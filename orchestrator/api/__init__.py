"""The Python API: ``from orchestrator import Orchestrator``. Sync, typed, thin.

Decides nothing: every method calls the use case its command calls. Reference:
``docs/reference/python-api.md``.
"""

from orchestrator.api.client import Orchestrator
from orchestrator.api.decisions import Decisions
from orchestrator.api.escalations import Escalations
from orchestrator.api.handoffs import Handoffs
from orchestrator.api.instances import Instances
from orchestrator.api.leases import Grant, LeaseHeld, Leases
from orchestrator.api.messages import Messages
from orchestrator.api.records import (
    CheckedIn,
    Created,
    Escalation,
    Event,
    Handoff,
    Instance,
    Lease,
    Marked,
    Run,
    Standing,
)
from orchestrator.api.tasks import Tasks
from orchestrator.api.topics import (
    Completed,
    Decision,
    Message,
    Opinion,
    Receipt,
    Sent,
    Task,
)
from orchestrator.api.waivers import Waiver, Waivers
from orchestrator.coordination.decisions import Option

__all__ = [
    "CheckedIn",
    "Completed",
    "Created",
    "Decision",
    "Decisions",
    "Escalation",
    "Escalations",
    "Event",
    "Grant",
    "Handoff",
    "Handoffs",
    "Instance",
    "Instances",
    "Lease",
    "LeaseHeld",
    "Leases",
    "Marked",
    "Message",
    "Messages",
    "Opinion",
    "Option",
    "Orchestrator",
    "Receipt",
    "Run",
    "Sent",
    "Standing",
    "Task",
    "Tasks",
    "Waiver",
    "Waivers",
]
