CREATE TABLE `unserved_requests` (
	`request_id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`key_id` text NOT NULL,
	`team` text,
	`alias` text NOT NULL,
	`operation` text NOT NULL,
	`streamed` integer NOT NULL,
	`status` integer NOT NULL,
	`code` text,
	`decision` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `unserved_requests_at` ON `unserved_requests` (`at`);--> statement-breakpoint
ALTER TABLE `attempts` ADD `decision` text;