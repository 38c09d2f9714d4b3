-- The tables of a new store, as of the version in schema.py.
-- {int} {text} {strict} {keyed} are replaced per database, the rest is common SQL;
-- {keyed}: small rows, looked up and listed by their key, so kept in its order.
-- Columns and keys are those of tables.py, which a test compares with this file.

CREATE TABLE "meta" (
  "name" {text} NOT NULL PRIMARY KEY,
  "value" {text}
){keyed};

CREATE TABLE "instances" (
  "id" {text} NOT NULL PRIMARY KEY,
  "role" {text},
  "state" {text},
  "version" {int},
  "handoff" {text},
  "task" {text},
  "session" {text},
  "pid" {int},
  "pid_started" {text},
  "host" {text},
  "worktree" {text},
  "branch" {text},
  "heartbeat_at" {int},
  "registered_at" {int},
  "configured" {int},
  "attempt" {int}
){keyed};

CREATE TABLE "handoffs" (
  "id" {text} NOT NULL PRIMARY KEY,
  "producer" {text},
  "target" {text},
  "task" {text},
  "ref" {text},
  "head" {text},
  "notes" {text},
  "status" {text},
  "version" {int},
  "attempt" {int},
  "created_at" {int},
  "updated_at" {int},
  "candidate" {text},
  "tree" {text},
  "base" {text},
  "run" {text},
  "verdict" {text},
  "approved_by" {text},
  "waiting" {text},
  "landed" {text},
  "rollback" {text},
  "closed_at" {int},
  "data" {text}
){strict};
CREATE INDEX "handoffs_status" ON "handoffs" ("status");
CREATE INDEX "handoffs_producer" ON "handoffs" ("producer");

CREATE TABLE "runs" (
  "id" {text} NOT NULL PRIMARY KEY,
  "handoff" {text},
  "attempt" {int},
  "fence" {int},
  "status" {text},
  "head" {text},
  "commit_id" {text},
  "tree" {text},
  "base" {text},
  "config_digest" {text},
  "verdict" {text},
  "fingerprint" {text},
  "report" {text},
  "started_at" {int},
  "ended_at" {int}
){strict};
CREATE INDEX "runs_handoff" ON "runs" ("handoff");
CREATE INDEX "runs_started" ON "runs" ("started_at");

CREATE TABLE "escalations" (
  "id" {text} NOT NULL PRIMARY KEY,
  "type" {text},
  "handoff" {text},
  "instance" {text},
  "run" {text},
  "status" {text},
  "question" {text},
  "reason" {text},
  "dedupe" {text},
  "ladder" {text},
  "level" {int},
  "next_at" {int},
  "repeats" {int},
  "opened_at" {int},
  "acknowledged_by" {text},
  "acknowledged_at" {int},
  "answer" {text},
  "answered_by" {text},
  "answered_at" {int},
  "answer_reason" {text},
  "head" {text},
  "fingerprint" {text},
  "data" {text}
){strict};
CREATE INDEX "escalations_status" ON "escalations" ("status");
CREATE INDEX "escalations_dedupe" ON "escalations" ("dedupe");

CREATE TABLE "waivers" (
  "id" {text} NOT NULL PRIMARY KEY,
  "fingerprint" {text},
  "reason" {text},
  "approver" {text},
  "producer" {text},
  "created_at" {int},
  "expires_at" {int},
  "uses" {int},
  "used" {int}
){keyed};
CREATE INDEX "waivers_fingerprint" ON "waivers" ("fingerprint");

CREATE TABLE "coordinators" (
  "name" {text} NOT NULL PRIMARY KEY,
  "holder" {text},
  "pid" {int},
  "pid_started" {text},
  "host" {text},
  "fence" {int},
  "acquired_at" {int},
  "expires_at" {int}
){keyed};

CREATE TABLE "sessions" (
  "id" {text} NOT NULL PRIMARY KEY,
  "instance" {text},
  "parent" {text},
  "client" {text},
  "agent" {text},
  "pid" {int},
  "pid_started" {text},
  "host" {text},
  "cwd" {text},
  "token" {text},
  "started_at" {int},
  "heartbeat_at" {int},
  "ended_at" {int},
  "seen" {int},
  "told" {int},
  "moved" {text},
  "prompted_at" {int},
  "stops" {int}
){keyed};
CREATE INDEX "sessions_instance" ON "sessions" ("instance");

CREATE TABLE "bells" (
  "session" {text} NOT NULL PRIMARY KEY,
  "socket" {text},
  "waiter" {int},
  "pid" {int},
  "pid_started" {text}
){keyed};

CREATE TABLE "profiles" (
  "instance" {text} NOT NULL PRIMARY KEY,
  "expertise" {text},
  "specializations" {text},
  "consultation" {int},
  "note" {text}
){keyed};

CREATE TABLE "leases" (
  "id" {text} NOT NULL PRIMARY KEY,
  "instance" {text},
  "session" {text},
  "kind" {text},
  "path" {text},
  "prefix" {text},
  "lines_from" {int},
  "lines_to" {int},
  "mode" {text},
  "fence" {int},
  "hash" {text},
  "intent" {text},
  "status" {text},
  "acquired_at" {int},
  "expires_at" {int},
  "ended_at" {int},
  "handoff" {text},
  "reason" {text}
){keyed};
CREATE INDEX "leases_status_prefix" ON "leases" ("status", "prefix");
CREATE INDEX "leases_status_instance" ON "leases" ("status", "instance");
CREATE INDEX "leases_handoff" ON "leases" ("handoff") WHERE "handoff" IS NOT NULL;

CREATE TABLE "lease_waits" (
  "id" {text} NOT NULL PRIMARY KEY,
  "instance" {text},
  "session" {text},
  "wants" {text},
  "mode" {text},
  "priority" {text},
  "asked_at" {int},
  "expires_at" {int}
){keyed};

CREATE TABLE "sightings" (
  "session" {text} NOT NULL,
  "path" {text} NOT NULL,
  "hash" {text},
  "at" {int},
  PRIMARY KEY ("session", "path")
){keyed};

CREATE TABLE "calls" (
  "id" {text} NOT NULL PRIMARY KEY,
  "session" {text},
  "path" {text},
  "lease" {text},
  "at" {int}
){keyed};
CREATE INDEX "calls_session" ON "calls" ("session");

CREATE TABLE "owned" (
  "prefix" {text} NOT NULL,
  "pattern" {text} NOT NULL,
  "instance" {text} NOT NULL,
  "kind" {text},
  PRIMARY KEY ("prefix", "pattern", "instance")
){keyed};

CREATE TABLE "tasks" (
  "id" {text} NOT NULL PRIMARY KEY,
  "title" {text},
  "description" {text},
  "status" {text},
  "priority" {text},
  "assigned_to" {text},
  "proposed_to" {text},
  "suggested" {text},
  "created_by" {text},
  "created_at" {int},
  "updated_at" {int},
  "due_at" {int},
  "started_at" {int},
  "closed_at" {int},
  "dependencies" {text},
  "deliverables" {text},
  "required_expertise" {text},
  "files" {text},
  "blocked_reason" {text},
  "handoff" {text},
  "version" {int},
  "origin" {text},
  "data" {text}
){strict};
CREATE INDEX "tasks_status" ON "tasks" ("status");
CREATE INDEX "tasks_assigned_to" ON "tasks" ("assigned_to");

CREATE TABLE "messages" (
  "id" {text} NOT NULL PRIMARY KEY,
  "thread" {text},
  "reply_to" {text},
  "sender" {text},
  "recipient" {text},
  "kind" {text},
  "subject" {text},
  "body" {text},
  "priority" {text},
  "task" {text},
  "files" {text},
  "requires_response" {int},
  "due_at" {int},
  "status" {text},
  "created_at" {int},
  "closed_at" {int},
  "origin" {text},
  "data" {text}
){strict};
CREATE INDEX "messages_thread" ON "messages" ("thread");
CREATE INDEX "messages_status" ON "messages" ("status");
CREATE INDEX "messages_sender" ON "messages" ("sender");

CREATE TABLE "receipts" (
  "message" {text} NOT NULL,
  "instance" {text} NOT NULL,
  "delivered_at" {int},
  "read_at" {int},
  "answered_at" {int},
  "undeliverable" {text},
  PRIMARY KEY ("message", "instance")
){keyed};
CREATE INDEX "receipts_instance" ON "receipts" ("instance", "delivered_at");

CREATE TABLE "decisions" (
  "id" {text} NOT NULL PRIMARY KEY,
  "title" {text},
  "description" {text},
  "category" {text},
  "scope" {text},
  "status" {text},
  "decision" {text},
  "rationale" {text},
  "decided_by" {text},
  "proposed_by" {text},
  "created_at" {int},
  "decided_at" {int},
  "deadline_at" {int},
  "fallback" {text},
  "options" {text},
  "inputs_needed" {text},
  "affects" {text},
  "related_tasks" {text},
  "files" {text},
  "dependencies" {text},
  "superseded_by" {text},
  "origin" {text},
  "archived" {int},
  "version" {int},
  "data" {text}
){strict};
CREATE INDEX "decisions_status" ON "decisions" ("status");
CREATE INDEX "decisions_created_at" ON "decisions" ("created_at");

CREATE TABLE "opinions" (
  "decision" {text} NOT NULL,
  "instance" {text} NOT NULL,
  "kind" {text},
  "body" {text},
  "at" {int},
  PRIMARY KEY ("decision", "instance")
){keyed};

CREATE TABLE "branch_logs" (
  "ref" {text} NOT NULL PRIMARY KEY,
  "size" {int},
  "at" {int}
){keyed};

CREATE TABLE "results" (
  "check" {text} NOT NULL,
  "run" {text} NOT NULL,
  "handoff" {text},
  "outcome" {text},
  "flaky" {int},
  "preexisting" {int},
  "cached" {int},
  "millis" {int},
  "at" {int},
  "truth" {text},
  PRIMARY KEY ("check", "run")
){keyed};
CREATE INDEX "results_handoff" ON "results" ("handoff") WHERE "handoff" IS NOT NULL;
CREATE INDEX "results_run" ON "results" ("run");

CREATE TABLE "quarantines" (
  "check" {text} NOT NULL PRIMARY KEY,
  "created_at" {int},
  "expires_at" {int},
  "reason" {text},
  "approver" {text}
){keyed};

CREATE TABLE "measurements" (
  "benchmark" {text} NOT NULL,
  "name" {text} NOT NULL,
  "run" {text} NOT NULL,
  "machine" {text},
  "handoff" {text},
  "verdict" {text},
  "at" {int},
  "data" {text},
  PRIMARY KEY ("benchmark", "name", "run")
){strict};

CREATE TABLE "told" (
  "name" {text} NOT NULL PRIMARY KEY,
  "at" {int}
){keyed};

-- The record, append-only; prev and hash make the chain.
CREATE TABLE "events" (
  "seq" {int} NOT NULL PRIMARY KEY,
  "at" {int} NOT NULL,
  "kind" {text} NOT NULL,
  "actor" {text} NOT NULL,
  "instance" {text},
  "handoff" {text},
  "reason" {text},
  "before" {int},
  "after" {int},
  "data" {text} NOT NULL,
  "prev" {text} NOT NULL,
  "hash" {text} NOT NULL
){strict};
CREATE INDEX "events_instance" ON "events" ("instance") WHERE "instance" IS NOT NULL;
CREATE INDEX "events_handoff" ON "events" ("handoff") WHERE "handoff" IS NOT NULL;

-- Named counters: the numbers in ids.
CREATE TABLE "counters" (
  "name" {text} NOT NULL PRIMARY KEY,
  "value" {int} NOT NULL
){keyed};

-- Results of keyed writes, so that a repeat changes nothing.
CREATE TABLE "operations" (
  "key" {text} NOT NULL PRIMARY KEY,
  "result" {text} NOT NULL,
  "at" {int} NOT NULL
){keyed};
CREATE INDEX "operations_at" ON "operations" ("at");
