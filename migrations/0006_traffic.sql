CREATE TABLE `runners` (
	`project` text NOT NULL,
	`name` text NOT NULL,
	`version` text NOT NULL,
	`providers` text NOT NULL,
	`kinds` text NOT NULL,
	`first_seen_at` text NOT NULL,
	`seen_at` text NOT NULL,
	`succeeded` integer DEFAULT 0 NOT NULL,
	`failed` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`project`, `name`)
);
--> statement-breakpoint
CREATE TABLE `traffic` (
	`project` text NOT NULL,
	`endpoint` text NOT NULL,
	`resolution` text NOT NULL,
	`at` text NOT NULL,
	`samples` integer NOT NULL,
	`errors` text NOT NULL,
	`latency` text NOT NULL,
	PRIMARY KEY(`project`, `endpoint`, `resolution`, `at`)
);
--> statement-breakpoint
CREATE INDEX `traffic_age` ON `traffic` (`resolution`,`at`);--> statement-breakpoint
CREATE TABLE `traffic_messages` (
	`id` text PRIMARY KEY NOT NULL
);
