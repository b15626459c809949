/**
 * Runs long synchronous work in slices, so that the application's own work on the same thread goes on in between.
 */
import * as Effect from "effect/Effect"

/**
 * The longest time at a stretch, except for a single step that takes longer. A socket takes its data in pieces of some
 * 100 KB, one in each pause, so encoding one batch holds up another that is being sent: slices of 1 ms gave 80,000 rows
 * per second on one connection, these give 92,000, at no more CPU time.
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
 * Whether a slice has run in this turn of the event loop. Only one runs in each turn, or the slices of several batches
 * that are encoded at the same time would add up.
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
