CREATE TABLE "teams" (
	"team" text PRIMARY KEY NOT NULL,
	"limits" jsonb NOT NULL,
	"changed_at" bigint NOT NULL
);
