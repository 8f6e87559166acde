CREATE TABLE `attempts` (
	`request_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`key_id` text NOT NULL,
	`team` text,
	`alias` text NOT NULL,
	`deployment_id` text NOT NULL,
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`operation` text NOT NULL,
	`streamed` integer NOT NULL,
	`reserved_nano` integer NOT NULL,
	`price_version` text,
	`opened_at` integer NOT NULL,
	`settled_at` integer,
	`outcome` text,
	`upstream_status` integer,
	`error_class` text,
	`usage_source` text,
	`input` integer DEFAULT 0 NOT NULL,
	`cache_read` integer DEFAULT 0 NOT NULL,
	`cache_write` integer DEFAULT 0 NOT NULL,
	`output` integer DEFAULT 0 NOT NULL,
	`reasoning` integer DEFAULT 0 NOT NULL,
	`audio_input` integer DEFAULT 0 NOT NULL,
	`audio_output` integer DEFAULT 0 NOT NULL,
	`images` integer DEFAULT 0 NOT NULL,
	`seconds` real DEFAULT 0 NOT NULL,
	`characters` integer DEFAULT 0 NOT NULL,
	`cost_nano` integer DEFAULT 0 NOT NULL,
	`ttft_ms` integer,
	`duration_ms` integer,
	`object_id` text,
	PRIMARY KEY(`request_id`, `attempt`),
	CONSTRAINT "attempts_reserved_positive" CHECK(reserved_nano >= 0),
	CONSTRAINT "attempts_cost_positive" CHECK(cost_nano >= 0),
	CONSTRAINT "attempts_settled_whole" CHECK(settled_at is null or (outcome is not null and usage_source is not null))
);
--> statement-breakpoint
CREATE INDEX `attempts_opened_at` ON `attempts` (`opened_at`);--> statement-breakpoint
CREATE INDEX `attempts_dispatched` ON `attempts` (`opened_at`) WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX `attempts_object_id` ON `attempts` (`object_id`) WHERE object_id is not null;--> statement-breakpoint
CREATE TABLE `deployment_states` (
	`deployment_id` text PRIMARY KEY NOT NULL,
	`enabled` integer NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `meta` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `spend_days` (
	`day` integer NOT NULL,
	`key_id` text NOT NULL,
	`team` text NOT NULL,
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`requests` integer NOT NULL,
	`requests_by_provider` integer NOT NULL,
	`requests_by_model` integer NOT NULL,
	`requests_by_both` integer NOT NULL,
	`unpriced` integer NOT NULL,
	`unpriced_by_provider` integer NOT NULL,
	`unpriced_by_model` integer NOT NULL,
	`unpriced_by_both` integer NOT NULL,
	`errors` integer NOT NULL,
	`input` integer DEFAULT 0 NOT NULL,
	`cache_read` integer DEFAULT 0 NOT NULL,
	`cache_write` integer DEFAULT 0 NOT NULL,
	`output` integer DEFAULT 0 NOT NULL,
	`reasoning` integer DEFAULT 0 NOT NULL,
	`audio_input` integer DEFAULT 0 NOT NULL,
	`audio_output` integer DEFAULT 0 NOT NULL,
	`images` integer DEFAULT 0 NOT NULL,
	`seconds` real DEFAULT 0 NOT NULL,
	`characters` integer DEFAULT 0 NOT NULL,
	`cost_nano` integer NOT NULL,
	PRIMARY KEY(`day`, `key_id`, `team`, `provider`, `model`)
);
--> statement-breakpoint
CREATE TABLE `virtual_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`name` text,
	`team` text,
	`models` text NOT NULL,
	`rpm` integer,
	`tpm` integer,
	`monthly_budget_nano` integer,
	`max_parallel_requests` integer,
	`force_strategy` text,
	`expires_at` integer,
	`metadata` text NOT NULL,
	`enabled` integer NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	`revoked_at` integer,
	`key_hint` text NOT NULL,
	CONSTRAINT "virtual_keys_budget_positive" CHECK(monthly_budget_nano >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `virtual_keys_hash` ON `virtual_keys` (`hash`);--> statement-breakpoint
CREATE INDEX `virtual_keys_team` ON `virtual_keys` (`team`,`id`);--> statement-breakpoint
CREATE INDEX `virtual_keys_name` ON `virtual_keys` (`name`,`id`);