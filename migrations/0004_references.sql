-- Written by hand, drizzle-kit knows no triggers. A bundle that an endpoint serves or served, or that an experiment
-- compares or compared, is referred to as long as that is there: the foreign key of `bundle_references` refuses both to
-- delete the bundle and to name one that is not there. Only drafts may name what is yet to be published.
CREATE TRIGGER `endpoint_revisions_refer` AFTER INSERT ON `endpoint_revisions`
BEGIN
  INSERT OR IGNORE INTO `bundle_references` (`by`, `name`, `project`, `number`, `bundle`)
  SELECT 'endpoint', NEW.`endpoint`, NEW.`project`, NEW.`revision`, t.`value` FROM json_each(NEW.`tasks`) t;
END;
--> statement-breakpoint
CREATE TRIGGER `endpoint_revisions_forget` AFTER DELETE ON `endpoint_revisions`
BEGIN
  DELETE FROM `bundle_references`
  WHERE `by` = 'endpoint' AND `name` = OLD.`endpoint` AND `number` = OLD.`revision`;
END;
--> statement-breakpoint
CREATE TRIGGER `experiment_versions_refer` AFTER INSERT ON `experiment_versions`
BEGIN
  INSERT OR IGNORE INTO `bundle_references` (`by`, `name`, `project`, `number`, `bundle`)
  SELECT 'experiment', NEW.`experiment`, NEW.`project`, NEW.`version`, t.`value`
  FROM json_each(NEW.`document`, '$.arms') a, json_each(a.`value`, '$.tasks') t
  WHERE NEW.`state` NOT IN ('draft', 'archived') OR EXISTS (SELECT 1 FROM `bundles` b WHERE b.`id` = t.`value`);
END;
