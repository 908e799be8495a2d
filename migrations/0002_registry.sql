CREATE TABLE `alias_changes` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`alias` text NOT NULL,
	`version` integer,
	`changed_at` text NOT NULL,
	`changed_by` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `alias_changes_alias` ON `alias_changes` (`project`,`kind`,`name`,`alias`);--> statement-breakpoint
CREATE TABLE `aliases` (
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`alias` text NOT NULL,
	`version` integer NOT NULL,
	PRIMARY KEY(`project`, `kind`, `name`, `alias`),
	FOREIGN KEY (`project`,`kind`,`name`,`version`) REFERENCES `versions`(`project`,`kind`,`name`,`version`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `blob_owners` (
	`project` text NOT NULL,
	`sha256` text NOT NULL,
	PRIMARY KEY(`project`, `sha256`),
	FOREIGN KEY (`sha256`) REFERENCES `blobs`(`sha256`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `blob_owners_blob` ON `blob_owners` (`sha256`);--> statement-breakpoint
CREATE TABLE `blob_uses` (
	`holder` text NOT NULL,
	`project` text NOT NULL,
	`sha256` text NOT NULL,
	PRIMARY KEY(`holder`, `project`, `sha256`),
	FOREIGN KEY (`project`,`sha256`) REFERENCES `blob_owners`(`project`,`sha256`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `blob_uses_blob` ON `blob_uses` (`sha256`);--> statement-breakpoint
CREATE TABLE `blobs` (
	`sha256` text PRIMARY KEY NOT NULL,
	`size_bytes` integer NOT NULL,
	`generation` text NOT NULL,
	`touched_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `bundle_files` (
	`bundle` text NOT NULL,
	`path` text NOT NULL,
	`sha256` text NOT NULL,
	PRIMARY KEY(`bundle`, `path`),
	FOREIGN KEY (`bundle`) REFERENCES `manifests`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`sha256`) REFERENCES `blobs`(`sha256`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `bundle_files_blob` ON `bundle_files` (`sha256`);--> statement-breakpoint
CREATE TABLE `bundle_references` (
	`by` text NOT NULL,
	`name` text NOT NULL,
	`project` text NOT NULL,
	`number` integer NOT NULL,
	`bundle` text NOT NULL,
	PRIMARY KEY(`by`, `name`, `number`, `bundle`),
	FOREIGN KEY (`bundle`) REFERENCES `bundles`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `bundle_references_bundle` ON `bundle_references` (`bundle`);--> statement-breakpoint
CREATE TABLE `condemned` (
	`key` text PRIMARY KEY NOT NULL,
	`at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `inspections` (
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`at` text NOT NULL,
	`document` text NOT NULL,
	PRIMARY KEY(`project`, `kind`, `name`, `version`),
	FOREIGN KEY (`project`,`kind`,`name`,`version`) REFERENCES `versions`(`project`,`kind`,`name`,`version`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `items` (
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`owner` text NOT NULL,
	`tags` text NOT NULL,
	`card` text NOT NULL,
	`last_version` integer NOT NULL,
	`created_at` text NOT NULL,
	`changed_at` text NOT NULL,
	PRIMARY KEY(`project`, `kind`, `name`)
);
--> statement-breakpoint
CREATE TABLE `lineage` (
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`parent_kind` text NOT NULL,
	`parent_name` text NOT NULL,
	`parent_version` integer NOT NULL,
	`role` text NOT NULL,
	`task` text NOT NULL,
	PRIMARY KEY(`project`, `kind`, `name`, `version`, `parent_kind`, `parent_name`, `parent_version`, `role`, `task`),
	FOREIGN KEY (`project`,`kind`,`name`,`version`) REFERENCES `versions`(`project`,`kind`,`name`,`version`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project`,`parent_kind`,`parent_name`,`parent_version`) REFERENCES `versions`(`project`,`kind`,`name`,`version`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `lineage_parent` ON `lineage` (`project`,`parent_kind`,`parent_name`,`parent_version`);--> statement-breakpoint
CREATE TABLE `manifests` (
	`id` text PRIMARY KEY NOT NULL,
	`generation` text NOT NULL,
	`touched_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `uploads` (
	`id` text PRIMARY KEY NOT NULL,
	`project` text NOT NULL,
	`owner` text NOT NULL,
	`sha256` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`part_bytes` integer NOT NULL,
	`state` text NOT NULL,
	`created_at` text NOT NULL,
	`expires_at` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `uploads_open` ON `uploads` (`project`,`owner`,`sha256`,`size_bytes`) WHERE state = 'open';--> statement-breakpoint
CREATE INDEX `uploads_expiry` ON `uploads` (`expires_at`);--> statement-breakpoint
CREATE TABLE `version_files` (
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`path` text NOT NULL,
	`sha256` text NOT NULL,
	PRIMARY KEY(`project`, `kind`, `name`, `version`, `path`),
	FOREIGN KEY (`project`,`kind`,`name`,`version`) REFERENCES `versions`(`project`,`kind`,`name`,`version`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project`,`sha256`) REFERENCES `blob_owners`(`project`,`sha256`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `version_files_blob` ON `version_files` (`sha256`);--> statement-breakpoint
CREATE TABLE `version_uses` (
	`holder` text NOT NULL,
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	PRIMARY KEY(`holder`, `project`, `kind`, `name`, `version`),
	FOREIGN KEY (`project`,`kind`,`name`,`version`) REFERENCES `versions`(`project`,`kind`,`name`,`version`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `version_uses_version` ON `version_uses` (`project`,`kind`,`name`,`version`);--> statement-breakpoint
CREATE TABLE `versions` (
	`sequence` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`digest` text NOT NULL,
	`document` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`created_at` text NOT NULL,
	`created_by` text NOT NULL,
	FOREIGN KEY (`project`,`kind`,`name`) REFERENCES `items`(`project`,`kind`,`name`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `versions_by_digest` ON `versions` (`digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `versions_version` ON `versions` (`project`,`kind`,`name`,`version`);--> statement-breakpoint
CREATE UNIQUE INDEX `versions_digest` ON `versions` (`project`,`kind`,`name`,`digest`);--> statement-breakpoint
ALTER TABLE `audit` ADD `project` text DEFAULT 'default' NOT NULL;--> statement-breakpoint
ALTER TABLE `endpoint_revisions` ADD `project` text DEFAULT 'default' NOT NULL;--> statement-breakpoint
-- What was published before belongs to the project "default": each bundle is a version of the name in its manifest.
INSERT INTO `items` (`project`, `kind`, `name`, `owner`, `tags`, `card`, `last_version`, `created_at`, `changed_at`)
SELECT 'default', 'bundles', `name`, 'unknown', '{}', '', COUNT(*), MIN(`published_at`), MAX(`published_at`)
FROM `bundles` GROUP BY `name`;
--> statement-breakpoint
INSERT INTO `versions` (`project`, `kind`, `name`, `version`, `digest`, `document`, `size_bytes`, `created_at`, `created_by`)
SELECT 'default', 'bundles', `name`, ROW_NUMBER() OVER (PARTITION BY `name` ORDER BY `sequence`), `id`,
  json_object('bundle', `id`), `size_bytes`, `published_at`, 'unknown'
FROM `bundles` ORDER BY `sequence`;
--> statement-breakpoint
-- Their files are read from the manifests by the first garbage collection, which deletes nothing before.
INSERT INTO `manifests` (`id`, `generation`, `touched_at`) SELECT `id`, '', `published_at` FROM `bundles`;
--> statement-breakpoint
INSERT OR IGNORE INTO `bundle_references` (`by`, `name`, `project`, `number`, `bundle`)
SELECT 'endpoint', r.`endpoint`, 'default', r.`revision`, b.`id`
FROM `endpoint_revisions` r, json_each(r.`tasks`) t JOIN `bundles` b ON b.`id` = t.`value`;
--> statement-breakpoint
INSERT OR IGNORE INTO `bundle_references` (`by`, `name`, `project`, `number`, `bundle`)
SELECT 'experiment', e.`experiment`, 'default', e.`version`, b.`id`
FROM `experiment_versions` e, json_each(e.`document`, '$.arms') a, json_each(a.`value`, '$.tasks') t
JOIN `bundles` b ON b.`id` = t.`value`;
