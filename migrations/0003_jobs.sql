CREATE TABLE `job_events` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`job` text NOT NULL,
	`at` text NOT NULL,
	`type` text NOT NULL,
	`data` text NOT NULL,
	CONSTRAINT "job_events_type" CHECK("job_events"."type" IN ('state', 'progress'))
);
--> statement-breakpoint
CREATE INDEX `job_events_job` ON `job_events` (`job`,`sequence`);--> statement-breakpoint
CREATE TABLE `jobs` (
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
	CONSTRAINT "jobs_kind" CHECK("jobs"."kind" IN ('inspect', 'merge')),
	CONSTRAINT "jobs_state" CHECK("jobs"."state" IN ('queued', 'leased', 'succeeded', 'failed', 'cancelled')),
	CONSTRAINT "jobs_priority" CHECK("jobs"."priority" BETWEEN 0 AND 9),
	CONSTRAINT "jobs_attempts" CHECK("jobs"."attempts" >= 0 AND "jobs"."token" >= 0),
	CONSTRAINT "jobs_leased" CHECK(("jobs"."state" = 'leased') = ("jobs"."lease_expires_at" IS NOT NULL)),
	CONSTRAINT "jobs_finished" CHECK(("jobs"."state" IN ('succeeded', 'failed', 'cancelled')) = ("jobs"."finished_at" IS NOT NULL)),
	CONSTRAINT "jobs_result" CHECK(("jobs"."state" = 'succeeded') = ("jobs"."result" IS NOT NULL)),
	CONSTRAINT "jobs_reason" CHECK("jobs"."state" != 'failed' OR "jobs"."reason" IS NOT NULL)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_id_unique` ON `jobs` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_claim_unique` ON `jobs` (`claim`);--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_retry_of_unique` ON `jobs` (`retry_of`);--> statement-breakpoint
CREATE INDEX `jobs_queue` ON `jobs` (`project`,`state`,`priority`);--> statement-breakpoint
CREATE INDEX `jobs_owner` ON `jobs` (`project`,`owner`,`state`);--> statement-breakpoint
CREATE INDEX `jobs_served` ON `jobs` (`project`,`owner`,`served`);--> statement-breakpoint
CREATE INDEX `jobs_order` ON `jobs` (`served`);--> statement-breakpoint
CREATE INDEX `jobs_lease` ON `jobs` (`state`,`lease_expires_at`);--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_idempotency` ON `jobs` (`project`,`owner`,`idempotency_key`);--> statement-breakpoint
ALTER TABLE `api_keys` ADD `project` text DEFAULT 'default' NOT NULL;--> statement-breakpoint
ALTER TABLE `experiment_versions` ADD `project` text DEFAULT 'default' NOT NULL;
--> statement-breakpoint
-- Written by hand, drizzle-kit knows no triggers: which state may follow which (shared/jobs.ts has the same table), that
-- what has ended stays as it ended, and that tokens only grow.
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
