/**
 * The modules that are loaded by a program that records something with `ObservabilityLive`: the engine names every
 * script that it has parsed, however it was loaded.
 */
import { Effect } from "effect"
import { Session } from "node:inspector"
import { say } from "../child.ts"

const scripts: Array<string> = []
const session = new Session()
session.connect()
session.on("Debugger.scriptParsed", ({ params }) => scripts.push(params.url))
session.post("Debugger.enable")

const { ObservabilityLive, flush, withTrace } = await import("../../src/index.ts")
await Effect.void.pipe(
  withTrace("bench"),
  Effect.zipRight(flush({ timeout: "200 millis" })),
  Effect.provide(ObservabilityLive),
  Effect.runPromise
)

say(scripts)
