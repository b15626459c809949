/**
 * The CPU time of this process per span, in one way of making spans and in the way that it is compared with. The two
 * take turns, so that other load on the machine affects both. A turn is so long that the garbage that it leaves behind
 * matters little, and ends with a turn of the event loop, so that a delivery takes place in the turn that caused it.
 *
 * Arguments: the way, the number of spans per turn, the number of turns of each way.
 */
import { Effect, Scope } from "effect"
import { say } from "../child.ts"
import { programs } from "./programs.ts"

/** The result of this program, in microseconds per span. */
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

// until V8 has compiled the code
const warmUp = 4
for (let turn = 0; turn < 2 * (warmUp + turns); turn++) {
  // own, other, other, own: neither always comes after the other
  const index = (turn + 1 >> 1) % 2
  const before = process.cpuUsage()
  await runs[index]!(count)
  await new Promise((resolve) => setImmediate(resolve))
  const { system, user } = process.cpuUsage(before)
  if (turn >= 2 * warmUp) micros[index]! += user + system
}

const [own, other] = micros.map((sum) => sum / turns / count)
say({ own: own!, other: other! } satisfies Found)
