/**
 * An application under load, until a signal ends it: `worker.ts <WorkerOptions as JSON>`. It says what happens on file
 * descriptor 3, at once, so that nothing of it is lost with the process.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Clock, Duration, Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import { writeSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"
import type * as Delivery from "../src/Delivery.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import * as PgProvider from "../src/PgProvider.ts"

export interface WorkerOptions {
  readonly worker: number
  readonly url: string
  readonly spoolDirectory: string | undefined
  /** Calls per second. */
  readonly rate: number
  /** Calls after which it flushes and ends by itself. Default: it never does. */
  readonly total?: number | undefined
}

export type WorkerSaid =
  /** Where it stands: all calls up to `last` are recorded. */
  | {
    readonly _tag: "Standing"
    readonly at: number
    readonly last: number
    /** All calls up to this one had been recorded when a flush began that left nothing pending. */
    readonly confirmed: number
    readonly stats: Delivery.Stats
    readonly residentBytes: number
    readonly longestStallMillis: number
  }
  /** Its layer is closed; what could not be written is dropped or on the disk. */
  | { readonly _tag: "Closed"; readonly last: number; readonly stats: Delivery.Stats }

const options: WorkerOptions = JSON.parse(process.argv[2]!)

const say = (said: WorkerSaid): void => void writeSync(3, `${JSON.stringify(said)}\n`)

/** 5 KB. */
const prompt = "Why is the sky blue? ".repeat(120)
const completion = "Because of how air scatters light. ".repeat(72)

const clock = Clock.make()

let last = 0
let confirmed = 0

const program = Effect.gen(function*() {
  const service = yield* Effect.serviceConstants(ObservabilityService)
  void service
})
