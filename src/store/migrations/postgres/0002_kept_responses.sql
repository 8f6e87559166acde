CREATE TABLE "conversation_items" (
	"conversation_id" text NOT NULL,
	"position" bigint NOT NULL,
	"item_id" text NOT NULL,
	"bytes" bigint NOT NULL,
	"item" text NOT NULL,
	CONSTRAINT "conversation_items_conversation_id_position_pk" PRIMARY KEY("conversation_id","position")
);
--> statement-breakpoint
CREATE TABLE "conversations" (
	"id" text PRIMARY KEY NOT NULL,
	"key_id" text NOT NULL,
	"team" text,
	"created_at" bigint NOT NULL,
	"changed_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"metadata" jsonb NOT NULL,
	"items" bigint NOT NULL,
	"bytes" bigint NOT NULL,
	"next_position" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "response_items" (
	"item_id" text NOT NULL,
	"response_id" text NOT NULL,
	CONSTRAINT "response_items_item_id_response_id_pk" PRIMARY KEY("item_id","response_id")
);
--> statement-breakpoint
CREATE TABLE "responses" (
	"id" text PRIMARY KEY NOT NULL,
	"key_id" text NOT NULL,
	"team" text,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"alias" text NOT NULL,
	"previous_response_id" text,
	"conversation_id" text,
	"bytes" bigint NOT NULL,
	"input_items" text NOT NULL,
	"response" text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "conversation_items_id" ON "conversation_items" USING btree ("conversation_id","item_id");--> statement-breakpoint
CREATE INDEX "conversations_changed_at" ON "conversations" USING btree ("changed_at");--> statement-breakpoint
CREATE INDEX "conversations_expires_at" ON "conversations" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "response_items_response" ON "response_items" USING btree ("response_id");--> statement-breakpoint
CREATE INDEX "responses_created_at" ON "responses" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "responses_expires_at" ON "responses" USING btree ("expires_at");