CREATE TABLE "unserved_requests" (
	"request_id" text PRIMARY KEY NOT NULL,
	"at" bigint NOT NULL,
	"key_id" text NOT NULL,
	"team" text,
	"alias" text NOT NULL,
	"operation" text NOT NULL,
	"streamed" boolean NOT NULL,
	"status" bigint NOT NULL,
	"code" text,
	"decision" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "decision" text;--> statement-breakpoint
CREATE INDEX "unserved_requests_at" ON "unserved_requests" USING btree ("at");