CREATE TABLE `teams` (
	`team` text PRIMARY KEY NOT NULL,
	`limits` text NOT NULL,
	`changed_at` integer NOT NULL
);
