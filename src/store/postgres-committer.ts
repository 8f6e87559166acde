import type { SettleWrite } from "./attempt-rows.ts";
import { type Committer, release, settleLost } from "./committer.ts";
import type { PostgresAttemptLog } from "./postgres-attempt-log.ts";
import { isPostgresRowFault } from "./postgres-errors.ts";
import type { StoreProblem } from "./types.ts";
import type { QueuedSettle, WriteBatch, WriteQueue } from "./write-queue.ts";
