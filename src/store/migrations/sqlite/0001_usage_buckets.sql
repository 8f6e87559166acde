ALTER TABLE `attempts` ADD `cache_write_hour` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `attempts` ADD `image_input` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `attempts` ADD `image_output` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `attempts` ADD `searches` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `spend_days` ADD `cache_write_hour` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `spend_days` ADD `image_input` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `spend_days` ADD `image_output` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `spend_days` ADD `searches` integer DEFAULT 0 NOT NULL;