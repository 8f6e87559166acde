CREATE TABLE "attempts" (
	"request_id" text NOT NULL,
	"attempt" bigint NOT NULL,
	"key_id" text NOT NULL,
	"team" text,
	"alias" text NOT NULL,
	"deployment_id" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"operation" text NOT NULL,
	"streamed" boolean NOT NULL,
	"reserved_nano" bigint NOT NULL,
	"price_version" text,
	"opened_at" bigint NOT NULL,
	"settled_at" bigint,
	"outcome" text,
	"upstream_status" bigint,
	"error_class" text,
	"usage_source" text,
	"input" bigint DEFAULT 0 NOT NULL,
	"cache_read" bigint DEFAULT 0 NOT NULL,
	"cache_write" bigint DEFAULT 0 NOT NULL,
	"output" bigint DEFAULT 0 NOT NULL,
	"reasoning" bigint DEFAULT 0 NOT NULL,
	"audio_input" bigint DEFAULT 0 NOT NULL,
	"audio_output" bigint DEFAULT 0 NOT NULL,
	"images" bigint DEFAULT 0 NOT NULL,
	"seconds" double precision DEFAULT 0 NOT NULL,
	"characters" bigint DEFAULT 0 NOT NULL,
	"cost_nano" bigint DEFAULT 0 NOT NULL,
	"ttft_ms" bigint,
	"duration_ms" bigint,
	"object_id" text,
	CONSTRAINT "attempts_request_id_attempt_pk" PRIMARY KEY("request_id","attempt"),
	CONSTRAINT "attempts_reserved_positive" CHECK (reserved_nano >= 0),
	CONSTRAINT "attempts_cost_positive" CHECK (cost_nano >= 0),
	CONSTRAINT "attempts_settled_whole" CHECK (settled_at is null or (outcome is not null and usage_source is not null))
);
--> statement-breakpoint
CREATE TABLE "deployment_states" (
	"deployment_id" text PRIMARY KEY NOT NULL,
	"enabled" boolean NOT NULL,
	"changed_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "meta" (
	"key" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "spend_days" (
	"day" bigint NOT NULL,
	"key_id" text NOT NULL,
	"team" text NOT NULL,
	"provider" text NOT NULL,
	"model" text NOT NULL,
	"requests" bigint NOT NULL,
	"requests_by_provider" bigint NOT NULL,
	"requests_by_model" bigint NOT NULL,
	"requests_by_both" bigint NOT NULL,
	"unpriced" bigint NOT NULL,
	"unpriced_by_provider" bigint NOT NULL,
	"unpriced_by_model" bigint NOT NULL,
	"unpriced_by_both" bigint NOT NULL,
	"errors" bigint NOT NULL,
	"input" bigint DEFAULT 0 NOT NULL,
	"cache_read" bigint DEFAULT 0 NOT NULL,
	"cache_write" bigint DEFAULT 0 NOT NULL,
	"output" bigint DEFAULT 0 NOT NULL,
	"reasoning" bigint DEFAULT 0 NOT NULL,
	"audio_input" bigint DEFAULT 0 NOT NULL,
	"audio_output" bigint DEFAULT 0 NOT NULL,
	"images" bigint DEFAULT 0 NOT NULL,
	"seconds" double precision DEFAULT 0 NOT NULL,
	"characters" bigint DEFAULT 0 NOT NULL,
	"cost_nano" bigint NOT NULL,
	CONSTRAINT "spend_days_day_key_id_team_provider_model_pk" PRIMARY KEY("day","key_id","team","provider","model")
);
--> statement-breakpoint
CREATE TABLE "virtual_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"name" text,
	"team" text,
	"models" jsonb NOT NULL,
	"rpm" bigint,
	"tpm" bigint,
	"monthly_budget_nano" bigint,
	"max_parallel_requests" bigint,
	"force_strategy" text,
	"expires_at" bigint,
	"metadata" jsonb NOT NULL,
	"enabled" boolean NOT NULL,
	"created_at" bigint NOT NULL,
	"last_used_at" bigint,
	"revoked_at" bigint,
	"key_hint" text NOT NULL,
	CONSTRAINT "virtual_keys_budget_positive" CHECK (monthly_budget_nano >= 0)
);
--> statement-breakpoint
CREATE INDEX "attempts_opened_at" ON "attempts" USING btree ("opened_at");--> statement-breakpoint
CREATE INDEX "attempts_dispatched" ON "attempts" USING btree ("opened_at") WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX "attempts_object_id" ON "attempts" USING btree ("object_id") WHERE object_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "virtual_keys_hash" ON "virtual_keys" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "virtual_keys_team" ON "virtual_keys" USING btree ("team","id");--> statement-breakpoint
CREATE INDEX "virtual_keys_name" ON "virtual_keys" USING btree ("name","id");