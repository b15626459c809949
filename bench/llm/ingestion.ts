/** Accepts events over Langfuse's ingestion protocol, and counts the generations whose end was reported. */
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
