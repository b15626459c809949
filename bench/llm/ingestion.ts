/** Takes every event of Langfuse's ingestion protocol, and counts the generations that it was told the end of. */
import { takeAll } from "./taking.ts"

interface Request {
  readonly batch: ReadonlyArray<{ readonly id: string; readonly type: string }>
}

takeAll("", (body) => {
  const { batch } = body as Request
  return {
    status: 207,
    answer: { successes: batch.map(({ id }) => ({ id, status: 201 })), errors: [] },
    count: batch.filter(({ type }) => type === "generation-update").length
  }
})
