-- SQLite cannot change a check: the table is made anew, its triggers (written by hand, as in 0003) with it.
CREATE TABLE `__new_jobs` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`project` text NOT NULL,
	`owner` text NOT NULL,
	`kind` text NOT NULL,
	`priority` integer NOT NULL,
	`state` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`token` integer DEFAULT 0 NOT NULL,
	`claim` text,
	`served` integer,
	`cancel_requested` integer DEFAULT false NOT NULL,
	`publishing` text,
	`reason` text,
	`retry_of` text,
	`idempotency_key` text,
	`request` text NOT NULL,
	`pinned` text NOT NULL,
	`runner` text,
	`not_before` text NOT NULL,
	`lease_expires_at` text,
	`progress` text,
	`checkpoint` text,
	`result` text,
	`created_at` text NOT NULL,
	`changed_at` text NOT NULL,
	`finished_at` text,
	CONSTRAINT "jobs_kind" CHECK("__new_jobs"."kind" IN ('inspect', 'merge', 'plan')),
	CONSTRAINT "jobs_state" CHECK("__new_jobs"."state" IN ('queued', 'leased', 'succeeded', 'failed', 'cancelled')),
	CONSTRAINT "jobs_priority" CHECK("__new_jobs"."priority" BETWEEN 0 AND 9),
	CONSTRAINT "jobs_attempts" CHECK("__new_jobs"."attempts" >= 0 AND "__new_jobs"."token" >= 0),
	CONSTRAINT "jobs_leased" CHECK(("__new_jobs"."state" = 'leased') = ("__new_jobs"."lease_expires_at" IS NOT NULL)),
	CONSTRAINT "jobs_finished" CHECK(("__new_jobs"."state" IN ('succeeded', 'failed', 'cancelled')) = ("__new_jobs"."finished_at" IS NOT NULL)),
	CONSTRAINT "jobs_result" CHECK(("__new_jobs"."state" = 'succeeded') = ("__new_jobs"."result" IS NOT NULL)),
	CONSTRAINT "jobs_reason" CHECK("__new_jobs"."state" != 'failed' OR "__new_jobs"."reason" IS NOT NULL)
);
--> statement-breakpoint
INSERT INTO `__new_jobs`("sequence", "id", "project", "owner", "kind", "priority", "state", "attempts", "token", "claim", "served", "cancel_requested", "publishing", "reason", "retry_of", "idempotency_key", "request", "pinned", "runner", "not_before", "lease_expires_at", "progress", "checkpoint", "result", "created_at", "changed_at", "finished_at") SELECT "sequence", "id", "project", "owner", "kind", "priority", "state", "attempts", "token", "claim", "served", "cancel_requested", "publishing", "reason", "retry_of", "idempotency_key", "request", "pinned", "runner", "not_before", "lease_expires_at", "progress", "checkpoint", "result", "created_at", "changed_at", "finished_at" FROM `jobs`;--> statement-breakpoint
DROP TABLE `jobs`;--> statement-breakpoint
ALTER TABLE `__new_jobs` RENAME TO `jobs`;--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_id_unique` ON `jobs` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_claim_unique` ON `jobs` (`claim`);--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_retry_of_unique` ON `jobs` (`retry_of`);--> statement-breakpoint
CREATE INDEX `jobs_queue` ON `jobs` (`project`,`state`,`priority`);--> statement-breakpoint
CREATE INDEX `jobs_owner` ON `jobs` (`project`,`owner`,`state`);--> statement-breakpoint
CREATE INDEX `jobs_served` ON `jobs` (`project`,`owner`,`served`);--> statement-breakpoint
CREATE INDEX `jobs_order` ON `jobs` (`served`);--> statement-breakpoint
CREATE INDEX `jobs_lease` ON `jobs` (`state`,`lease_expires_at`);--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_idempotency` ON `jobs` (`project`,`owner`,`idempotency_key`);
--> statement-breakpoint
CREATE TRIGGER `jobs_begin` BEFORE INSERT ON `jobs`
WHEN NEW.`state` != 'queued' OR NEW.`token` != 0
BEGIN
  SELECT RAISE(ABORT, 'a job begins queued');
END;
--> statement-breakpoint
CREATE TRIGGER `jobs_final` BEFORE UPDATE ON `jobs`
WHEN OLD.`state` IN ('succeeded', 'failed', 'cancelled')
BEGIN
  SELECT RAISE(ABORT, 'the job is final');
END;
--> statement-breakpoint
CREATE TRIGGER `jobs_transition` BEFORE UPDATE OF `state` ON `jobs`
WHEN OLD.`state` = 'queued' AND NEW.`state` NOT IN ('queued', 'leased', 'cancelled')
BEGIN
  SELECT RAISE(ABORT, 'a queued job can only be leased or cancelled');
END;
--> statement-breakpoint
CREATE TRIGGER `jobs_token` BEFORE UPDATE OF `state`, `token` ON `jobs`
WHEN NEW.`token` < OLD.`token` OR (OLD.`state` = 'queued' AND NEW.`state` = 'leased' AND NEW.`token` <= OLD.`token`)
BEGIN
  SELECT RAISE(ABORT, 'the token of a job only grows');
END;
