/**
 * Long synchronous work in slices, so that the application's own work on the same thread goes on in between.
 */
import * as Effect from "effect/Effect"

/**
 * The longest time at a stretch, but for a single step that takes longer. A socket takes what it is given in pieces of
 * some 100 KB, one in each pause, so a batch that is encoded holds up the one that is being sent: with slices of 1 ms there
 * were 80,000 rows per second on one connection, with these 92,000, at no more CPU time.
 */
const sliceMillis = 0.25

/**
 * Runs a generator to its end. It pauses for the event loop when a slice is used up.
 *
 * `Effect.yieldNow` would not do: it lets other fibers run, but never leaves the microtask queue, so timers and sockets
 * would wait.
 */
export const inTimeSlices = <A>(work: () => Generator<void, A>): Effect.Effect<A> =>
  Effect.suspend(() => {
    const steps = work()
    const slice: Effect.Effect<A> = Effect.suspend(() => {
      if (isTurnTaken) return Effect.zipRight(nextMacrotask, slice)
      takeTurn()
      const deadline = performance.now() + sliceMillis
      for (;;) {
        const step = steps.next()
        if (step.done === true) return Effect.succeed(step.value)
        if (performance.now() >= deadline) return Effect.zipRight(nextMacrotask, slice)
      }
    })
    return slice
  })

/**
 * Whether somebody has worked in this turn of the event loop. Several batches are encoded one after the other, or their
 * slices would add up.
 */
let isTurnTaken = false

const takeTurn = (): void => {
  isTurnTaken = true
  setImmediate(() => isTurnTaken = false)
}

const nextMacrotask = Effect.async<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})
