CREATE TABLE "budget_accounts" (
	"subject" text NOT NULL,
	"month" bigint NOT NULL,
	"instance" text NOT NULL,
	"entitled" bigint NOT NULL,
	"spent" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	CONSTRAINT "budget_accounts_subject_month_instance_pk" PRIMARY KEY("subject","month","instance"),
	CONSTRAINT "budget_accounts_positive" CHECK (entitled >= 0 and spent >= 0)
);
--> statement-breakpoint
CREATE TABLE "change_counter" (
	"id" bigint PRIMARY KEY NOT NULL,
	"last" bigint NOT NULL,
	CONSTRAINT "change_counter_one" CHECK (id = 1)
);
--> statement-breakpoint
CREATE TABLE "changes" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"seq" bigint NOT NULL,
	CONSTRAINT "changes_kind_id_pk" PRIMARY KEY("kind","id")
);
--> statement-breakpoint
CREATE TABLE "instances" (
	"id" text PRIMARY KEY NOT NULL,
	"started_at" bigint NOT NULL,
	"seen_at" bigint NOT NULL,
	"ended_at" bigint
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "instance" text;--> statement-breakpoint
CREATE INDEX "budget_accounts_instance" ON "budget_accounts" USING btree ("instance") WHERE instance <> '';--> statement-breakpoint
CREATE UNIQUE INDEX "changes_seq" ON "changes" USING btree ("seq");--> statement-breakpoint
INSERT INTO "budget_accounts" ("subject", "month", "instance", "entitled", "spent", "sequence")
SELECT "subject", "month", '', 0, least(sum("cost_nano"), 9223372036854775807)::bigint, 0
FROM (
	SELECT 'key:' || "key_id" AS "subject", date '1970-01-01' + "day"::integer AS "date", "cost_nano" FROM "spend_days"
	UNION ALL
	SELECT 'team:' || "team", date '1970-01-01' + "day"::integer, "cost_nano" FROM "spend_days" WHERE "team" <> ''
) AS "charges"
CROSS JOIN LATERAL (
	SELECT (extract(year FROM "date") * 12 + extract(month FROM "date") - 1)::bigint AS "month"
) AS "months"
GROUP BY "subject", "month"
HAVING sum("cost_nano") > 0;