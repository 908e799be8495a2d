CREATE TABLE `evaluations` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`experiment` text NOT NULL,
	`revision` integer NOT NULL,
	`version` integer NOT NULL,
	`at` text NOT NULL,
	`action` text NOT NULL,
	`reason` text NOT NULL,
	`figures` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `evaluations_experiment` ON `evaluations` (`experiment`,`revision`);--> statement-breakpoint
CREATE TABLE `experiment_versions` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`experiment` text NOT NULL,
	`version` integer NOT NULL,
	`endpoint` text NOT NULL,
	`state` text NOT NULL,
	`document` text NOT NULL,
	`step` text NOT NULL,
	`reason` text,
	`created_at` text NOT NULL,
	`created_by` text NOT NULL,
	`published_at` text
);
--> statement-breakpoint
CREATE INDEX `experiment_versions_endpoint` ON `experiment_versions` (`endpoint`);--> statement-breakpoint
CREATE UNIQUE INDEX `experiment_versions_version` ON `experiment_versions` (`experiment`,`version`);--> statement-breakpoint
CREATE TABLE `exposures` (
	`request_id` text PRIMARY KEY NOT NULL,
	`endpoint` text NOT NULL,
	`endpoint_revision` integer NOT NULL,
	`at` text NOT NULL,
	`experiment` text NOT NULL,
	`revision` integer NOT NULL,
	`phase` integer NOT NULL,
	`arm` text NOT NULL,
	`reason` text NOT NULL,
	`unit` text,
	`tasks` text NOT NULL,
	`predicted` text NOT NULL,
	`total_ms` real NOT NULL,
	`load_ms` real NOT NULL,
	`trunk_ms` real NOT NULL,
	`heads_ms` real NOT NULL,
	`bytes_loaded` integer NOT NULL,
	`heap_bytes` integer NOT NULL,
	`cold` integer NOT NULL,
	`error` text,
	`shadow_arm` text,
	`shadow_ms` real,
	`shadow_bytes_loaded` integer,
	`shadow_error` text,
	`agreement` text
);
--> statement-breakpoint
CREATE INDEX `exposures_experiment` ON `exposures` (`experiment`,`revision`,`unit`);--> statement-breakpoint
CREATE TABLE `outcomes` (
	`kind` text NOT NULL,
	`subject` text NOT NULL,
	`task` text NOT NULL,
	`truth` text,
	`reward` real,
	`at` text NOT NULL,
	PRIMARY KEY(`kind`, `subject`, `task`)
);
--> statement-breakpoint
CREATE TABLE `webhook_progress` (
	`url` text PRIMARY KEY NOT NULL,
	`sequence` integer NOT NULL
);
