CREATE TABLE `conversation_items` (
	`conversation_id` text NOT NULL,
	`position` integer NOT NULL,
	`item_id` text NOT NULL,
	`bytes` integer NOT NULL,
	`item` text NOT NULL,
	PRIMARY KEY(`conversation_id`, `position`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `conversation_items_id` ON `conversation_items` (`conversation_id`,`item_id`);--> statement-breakpoint
CREATE TABLE `conversations` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`team` text,
	`created_at` integer NOT NULL,
	`changed_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`metadata` text NOT NULL,
	`items` integer NOT NULL,
	`bytes` integer NOT NULL,
	`next_position` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `conversations_changed_at` ON `conversations` (`changed_at`);--> statement-breakpoint
CREATE INDEX `conversations_expires_at` ON `conversations` (`expires_at`);--> statement-breakpoint
CREATE TABLE `response_items` (
	`item_id` text NOT NULL,
	`response_id` text NOT NULL,
	PRIMARY KEY(`item_id`, `response_id`)
);
--> statement-breakpoint
CREATE INDEX `response_items_response` ON `response_items` (`response_id`);--> statement-breakpoint
CREATE TABLE `responses` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`team` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`alias` text NOT NULL,
	`previous_response_id` text,
	`conversation_id` text,
	`bytes` integer NOT NULL,
	`input_items` text NOT NULL,
	`response` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `responses_created_at` ON `responses` (`created_at`);--> statement-breakpoint
CREATE INDEX `responses_expires_at` ON `responses` (`expires_at`);