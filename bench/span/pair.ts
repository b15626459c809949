/**
 * What a span takes in one way, and in the one that it is held against, in CPU time of this process: by turns, so that
 * whatever else the machine does meets both. A turn is long enough for what it leaves to the collection of garbage to be
 * little of it, and ends with one of the event loop, so that what is due is delivered in the turn of whoever caused it.
 *
 * Its arguments: the way, how many spans a turn has, how many turns each has.
 */
import { Effect, Scope } from "effect"
import { say } from "../child.ts"
import { programs } from "./programs.ts"

/** What this program says, in microseconds a span. */
export interface Found {
  readonly own: number
  readonly other: number
}

const program = programs[process.argv[2]!]!
const count = Number(process.argv[3])
const turns = Number(process.argv[4])

const scope = await Effect.runPromise(Scope.make())
const runs = [await program.make(scope), await programs[program.beside!]!.make(scope)] as const
const micros = [0, 0]

// until V8 has compiled what there is to be compiled
const warmUp = 4
for (let turn = 0; turn < 2 * (warmUp + turns); turn++) {
  // own, other, other, own: nobody always comes after the other one
  const index = (turn + 1 >> 1) % 2
  const before = process.cpuUsage()
  await runs[index]!(count)
  await new Promise((resolve) => setImmediate(resolve))
  const { system, user } = process.cpuUsage(before)
  if (turn >= 2 * warmUp) micros[index]! += user + system
}

const [own, other] = micros.map((sum) => sum / turns / count)
say({ own: own!, other: other! } satisfies Found)
