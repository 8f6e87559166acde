ALTER TABLE "attempts" ADD COLUMN "cache_write_hour" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "image_input" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "image_output" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "searches" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "spend_days" ADD COLUMN "cache_write_hour" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "spend_days" ADD COLUMN "image_input" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "spend_days" ADD COLUMN "image_output" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "spend_days" ADD COLUMN "searches" bigint DEFAULT 0 NOT NULL;