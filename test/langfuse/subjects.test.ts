/** A user who is learned inside of a trace is the trace's at Langfuse, too. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { annotateTrace, withSpan } from "../../src/Span.ts"
import { mockLangfuse } from "./mockLangfuse.ts"
import { providerOf } from "./records.ts"

const request = annotateTrace({ userId: "ada", sessionId: "s" }).pipe(
  withSpan("authenticate"),
  Effect.zipRight(Effect.void.pipe(withSpan("answer"))),
  withSpan("request")
)

describe("the user and the session of a trace", () => {
  it.scopedLive.each(["3", "4"] as const)("are at a server of version %s", (mode) =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      const service = yield* ObservabilityService.make({ providers: [yield* providerOf(mock)] })
      yield* Effect.provideService(request, ObservabilityService, service)
      yield* service.flush()
      const rows = mode === "3" ? mock.ingestion.traces : mock.otlp.rows
      // by ingestion the trace says it, by OTLP each observation: the trace's own, and three spans
      assert.deepStrictEqual(
        rows.map((row) => [row["user_id"], row["session_id"]]),
        Array.from({ length: mode === "3" ? 1 : 4 }, () => ["ada", "s"])
      )
    }))

  it.scopedLive("are at a server that knew of the trace when it began", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const service = yield* ObservabilityService.make({ providers: [yield* providerOf(mock, { liveStarts: true })] })
      const rows = Effect.map(service.flush(), () => mock.ingestion.traces.map((row) => row["user_id"]))
      const [before, after] = yield* Effect.all([rows, Effect.zipRight(annotateTrace({ userId: "ada" }), rows)]).pipe(
        withSpan("request"),
        Effect.provideService(ObservabilityService, service)
      )
      assert.deepStrictEqual([before, after, yield* rows], [[undefined], ["ada"], ["ada"]])
    }))
})
