/** Shows the progress of a run in a line that is overwritten: on a terminal only, in a file it would be noise. */
import { Duration, Effect, Ref } from "effect"

/** Runs a stage of `total` steps with a progress bar. The stage runs `advance` after each step. */
export const withProgress = <A, E, R>(
  label: string,
  total: number,
  stage: (advance: (detail: string) => Effect.Effect<void>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const done = yield* Ref.make(0)
    const draw = (count: number, detail: string) => {
      const filled = Math.round(count / total * width)
      const bar = "█".repeat(filled) + "░".repeat(width - filled)
      return show(`  ${label.padEnd(10)} ${bar} ${count}/${total}  ${detail}`)
    }
    yield* draw(0, "")
    return yield* stage((detail) =>
      Effect.flatMap(Ref.updateAndGet(done, (count) => count + 1), (count) => draw(count, detail))
    )
  }).pipe(Effect.ensuring(clear))

/** Replaces the line that was shown before. */
export const show = (text: string): Effect.Effect<void> =>
  Effect.sync(() => {
    if (!process.stderr.isTTY) return
    process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`)
  })

export const clear: Effect.Effect<void> = Effect.suspend(() => show(""))

/** `3.2 s` or `480 ms` */
export const seconds = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  return millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`
}

// internal

const width = 24
