/** How long loading takes: first the packages that the application loads anyway, then what the library adds. */
import { say } from "../child.ts"

/** Milliseconds. */
export interface Found {
  readonly effect: number
  readonly library: number
}

const begin = performance.now()
await import("effect")
await import("@effect/sql-pg")
const middle = performance.now()
await import("../../src/index.ts")
const end = performance.now()

say({ effect: middle - begin, library: end - middle } satisfies Found)
