/** What an application's process notices of the provider: nothing. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import type { Fault } from "./mockLangfuse.ts"
import { answering, hanging, html, mockLangfuse, resetting } from "./mockLangfuse.ts"

interface Ended {
  readonly code: number | null
  readonly output: string
}

const run = (host: string): Effect.Effect<Ended> =>
  Effect.async((resume) => {
    const program = new URL("quietProcess.ts", import.meta.url).pathname
    const child = spawn(process.execPath, ["--import", "tsx", program, host], {
      env: { ...process.env, LANGFUSE_TRACING_ENVIRONMENT: "Not Valid", LANGFUSE_SAMPLE_RATE: "7" },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const chunks: Array<Buffer> = []
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.on("close", (code) => resume(Effect.succeed({ code, output: Buffer.concat(chunks).toString() })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** What this library says through Effect's logger, which is the application's to silence. */
const withoutWarnings = (output: string): string =>
  output.split("\n").filter((line) => !line.includes("level=WARN")).join("\n").trim()

describe("a process", () => {
  it.scopedLive("that records into Langfuse prints nothing and ends", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4")
      expect(yield* run(mock.url)).toEqual({ code: 0, output: "" })
      expect(mock.otlp.rows.length).toBe(3 * 21)
    }))

  it.scopedLive.each<readonly [string, Fault]>([
    ["pages", answering(502, html)],
    ["nothing", hanging],
    ["a broken connection", resetting],
    ["wrong keys", answering(401, { error: "no" })]
  ])("whose server answers with %s ends all the same, with nothing unhandled", ([_, fault]) =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      mock.fault = fault
      const { code, output } = yield* run(mock.url)
      expect({ code, output: withoutWarnings(output) }).toEqual({ code: 0, output: "" })
      expect(output).not.toContain("sk-lf-test")
    }))

  it.live("without a server ends all the same", () =>
    Effect.gen(function*() {
      const { code, output } = yield* run("http://127.0.0.1:1")
      expect({ code, output: withoutWarnings(output) }).toEqual({ code: 0, output: "" })
    }))
})
