// Runs one TypeScript program the way a user would, for the scripts that check the documentation and the examples.
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

const tsconfig = Path.resolve(import.meta.dirname, "..", "tsconfig.json")

/**
 * The environment without this library's variables: an example must not write to a developer's own database or Langfuse
 * project, nor depend on them.
 */
export const cleanEnvironment = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(OBSERVABILITY|DATABASE|LANGFUSE|PG)/.test(name))
  )

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set()

// Each program leads its own process group, so that a database server that it started ends with it.
const killGroup = (child) => {
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    // the group is gone already
  }
}
process.on("exit", () => running.forEach(killGroup))
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1))

/**
 * @param {string} file the program; it imports `effect-observability` from src/, as tsconfig.json says
 * @param {number} limit how many seconds it may take
 * @returns {Promise<{ readonly seconds: number, readonly failure: string | undefined, readonly output: string }>}
 */
export const run = (file, limit) =>
  new Promise((resolve) => {
    const started = performance.now()
    // An empty working directory, so that files that other programs write do not affect this one.
    const cwd = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-observability-run-"))
    const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), file], {
      cwd,
      env: { ...cleanEnvironment(), TSX_TSCONFIG_PATH: tsconfig },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    running.add(child)
    const chunks = []
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => chunks.push(chunk))
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child)
    }, limit * 1000)
    // Processes that the program left behind hold its output open: without this, "close" would wait for them.
    child.on("exit", () => killGroup(child))
    child.on("close", (code, signal) => {
      clearTimeout(timer)
      running.delete(child)
      Fs.rmSync(cwd, { recursive: true, force: true })
      resolve({
        seconds: (performance.now() - started) / 1000,
        failure: timedOut ? `still running after ${limit} s` : code === 0 ? undefined : `ended with ${code ?? signal}`,
        output: Buffer.concat(chunks).toString()
      })
    })
  })
