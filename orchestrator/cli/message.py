"""``orchestrate message``: write to instances, roles, everybody; read and answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from orchestrator.cli.main import printable
from orchestrator.cli.output import json_option, print_json, remark
from orchestrator.cli.when import moment, shown
from orchestrator.coordination.messages import KINDS, PRIORITIES, Draft, Sent
from orchestrator.coordination.texts import BODY_BYTES
from orchestrator.engine import messaging
from orchestrator.engine.acting import name_of
from orchestrator.engine.project import Project
from orchestrator.errors import EXIT, UsageError
from orchestrator.store.port import Row

__all__ = ["command"]


@click.group(name="message")
def command() -> None:
    """Send, read and answer messages."""


def _instance_option(function: Callable[..., Any]) -> Callable[..., Any]:
    text = "In whose name; default: this session's or worktree's instance, or you."
    return click.option("--instance", metavar="I", help=text)(function)


@command.command()
@click.argument("to")
@click.option("--subject", required=True, help="One line.")
@click.option("--body", default="", help="What you have to say; - reads standard input.")
@click.option("--type", "kind", type=click.Choice(KINDS), default="info", show_default=True)
@click.option("--priority", type=click.Choice(PRIORITIES), default="medium", show_default=True)
@click.option("--task", metavar="ID", help="Which task it is about.")
@click.option("--file", "files", multiple=True, metavar="PATH", help="Which files it is about.")
@click.option(
    "--requires-response/--no-response", "response", default=None,
    help="Whether an answer is wanted; default: by type.",
)  # fmt: skip
@click.option("--due", metavar="4h", help="Until when: a span from now, or RFC 3339.")
@click.option("--key", metavar="TEXT", help="A repeated call with the same key sends nothing.")
@_instance_option
@json_option
def send(
    to: str,
    subject: str,
    body: str,
    kind: str,
    priority: str,
    task: str | None,
    files: tuple[str, ...],
    response: bool | None,
    due: str | None,
    key: str | None,
    instance: str | None,
    as_json: bool,
) -> int:
    """Send a message to an instance, role:ROLE, all, or expertise:WORD.

    expertise:WORD reaches the least busy instance that knows WORD and is
    available. The exit status is 1 when the message reaches nobody.
    """
    draft = Draft(
        subject, _text(body), kind, priority, task, files, response, moment(due) if due else None
    )
    project = Project.open()
    who = project.caller()
    done = messaging.send(project, who, name_of(project, who, instance), to, draft, key=key)
    return _sent(done, as_json)


def _text(body: str) -> str:
    if body != "-":
        return body
    data = sys.stdin.buffer.read(BODY_BYTES + 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # The cut may be in the middle of a character: then it is too long, and says so.
        if len(data) > BODY_BYTES:
            return data.decode(errors="replace")
        raise UsageError(f"the body is not UTF-8 (byte {error.start})") from error


def _sent(done: Sent, as_json: bool) -> int:
    if as_json:
        reached, lost = list(done.to.reached), dict(done.to.unreachable)
        print_json({**_json(done.message), "reached": reached, "undeliverable": lost})
    else:
        print(printable(f"{done.message['id']}  to {', '.join(done.to.reached) or 'nobody'}"))
    for name, why in done.to.unreachable:
        remark(printable(f"undeliverable: {name}: {why}"))
    return EXIT["ok"] if done.to.reached else EXIT["failed"]


@command.command()
@click.argument("message")
@click.option("--body", required=True, help="The answer; - reads standard input.")
@_instance_option
@json_option
def reply(message: str, body: str, instance: str | None, as_json: bool) -> int:
    """Answer MESSAGE; whoever wrote it gets the answer."""
    project = Project.open()
    who = project.caller()
    name = name_of(project, who, instance)
    return _sent(messaging.reply(project, who, name, message, _text(body)), as_json)


@command.command()
@click.argument("message")
@_instance_option
@json_option
def ack(message: str, instance: str | None, as_json: bool) -> None:
    """Take note of the answers in your thread."""
    project = Project.open()
    who = project.caller()
    row = messaging.acknowledge(project, who, name_of(project, who, instance), message)
    _ended(row, as_json)


@command.command()
@click.argument("message")
@_instance_option
@json_option
def close(message: str, instance: str | None, as_json: bool) -> None:
    """End your thread; nobody is asked any more."""
    project = Project.open()
    who = project.caller()
    row = messaging.close(project, who, name_of(project, who, instance), message)
    _ended(row, as_json)


def _ended(row: Row, as_json: bool) -> None:
    if as_json:
        print_json(_json(row))
    else:
        print(f"{row['id']}  {row['status']}")


@command.command()
@click.option("--all", "everything", is_flag=True, help="Also what was read and answered.")
@_instance_option
@json_option
def inbox(everything: bool, instance: str | None, as_json: bool) -> None:
    """What is unread or waits for your answer; it counts as read from now on."""
    project = Project.open()
    who = project.caller()
    name = name_of(project, who, instance)
    rows = messaging.read_inbox(project, who, name, everything=everything)
    if as_json:
        print_json([_json(row) for row in rows])
        return
    for row in rows:
        _print(row)
    if not rows:
        print(printable(f"nothing new for {name}"))


@command.command(name="list")
@click.option("--sent", is_flag=True, help="What you wrote, where it got to, whose answer is late.")
@click.option("--all", "everything", is_flag=True, help="Everybody's threads.")
@_instance_option
@json_option
def list_(sent: bool, everything: bool, instance: str | None, as_json: bool) -> None:
    """Your threads, the newest first."""
    project = Project.open()
    name = "" if everything and not sent else name_of(project, project.caller(), instance)
    rows = messaging.mine(project, name, sent=sent, everything=everything)
    if as_json:
        print_json([_json(row) for row in rows])
        return
    for row in rows:
        head = f"{row['id']}  {row['status']}  {row['sender']} → {row['recipient']}"
        print(printable(f"{head}  {row['subject']}"))
        for receipt in row["receipts"] if sent else ():
            print(printable(f"    {receipt['instance']}: {_where(row, receipt)}"))
    if not rows:
        print("no messages")


def _where(row: Row, receipt: Row) -> str:
    """Where a message got to with one addressee, in words."""
    if receipt["undeliverable"]:
        return f"undeliverable: {receipt['undeliverable']}"
    late = "; the answer is overdue" if receipt["instance"] in row["overdue"] else ""
    for column in ("answered_at", "read_at", "delivered_at"):
        if receipt[column]:
            return f"{column.removesuffix('_at')} {shown(receipt[column])}{late}"
    return f"not delivered yet{late}"


@command.command()
@click.argument("message")
@_instance_option
@json_option
def show(message: str, instance: str | None, as_json: bool) -> None:
    """The whole thread MESSAGE is in, with receipts."""
    project = Project.open()
    who = project.caller()
    rows = messaging.read_thread(project, who, name_of(project, who, instance), message)
    if as_json:
        print_json([_json(row) for row in rows])
        return
    for row in rows:
        _print(row)
        for receipt in row["receipts"]:
            print(printable(f"    {receipt['instance']}: {_where(row, receipt)}"))


def _print(row: Row) -> None:
    """A message for people; control characters are shown, never sent to the terminal."""
    about = [row["kind"], row["priority"], *([row["task"]] if row["task"] else [])]
    about += json.loads(row["files"] or "[]")
    print(
        printable(f"{row['id']}  {row['sender']} → {row['recipient']}  {shown(row['created_at'])}")
    )
    print(printable(f"    {row['subject']}  ({', '.join(about)})"))
    for text in row["body"].split("\n") if row["body"] else ():
        print(printable(f"    {text}"))
    if row["requires_response"] and row["status"] == "open":
        due = f" by {shown(row['due_at'])}" if row["due_at"] else ""
        print(f"    wants an answer{due}: orchestrate message reply {row['id']} --body …")


def _json(row: Row) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key != "data"}
    return {**kept, "files": json.loads(row["files"] or "[]")}
