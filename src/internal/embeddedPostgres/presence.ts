/**
 * Who uses a home at the moment. Each scope listens at a unix socket in it, so a socket that refuses connections is
 * proof that its owner is gone. Node has no file locks, and a process id proves nothing once it has been given to
 * somebody else or belongs to another container.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { EmbeddedPostgresError } from "./error.ts"
import type { Home } from "./home.ts"
import { holdsWithin } from "./liveClock.ts"
import { isHeld, listen } from "./unixSocket.ts"

export interface Presence {
  /**
   * Ends this presence, and runs the effect if nobody else is present then. Whoever enters meanwhile waits for it, so
   * of several that leave at once at least one runs it, and nobody finds a server that is about to stop.
   */
  readonly leave: (last: Effect.Effect<void>) => Effect.Effect<void>
}

/**
 * Enters a home. The scope leaves it, unless `leave` has been called before. Who is leaving is waited for, though not
 * longer than the limit: then it hangs, and does not stop a server any more.
 */
export const enter = Effect.fnUntraced(function*(
  home: Home,
  limit: Duration.DurationInput
): Effect.fn.Return<Presence, EmbeddedPostgresError, Scope.Scope> {
  const directory = home.shortPath
  const id = randomBytes(4).toString("hex")
  const closeUsing = yield* Effect.acquireRelease(
    Effect.mapError(listen(join(directory, `using-${id}`)), (cause) => notUsable(home, cause)),
    (close) => close
  )
  // To enter is to be present and then look who leaves; to leave is to say so and then look who is present. So of two
  // that do it at the same time, one at least sees the other.
  yield* holdsWithin(limit, Effect.map(holders(directory, "leaving"), (names) => names.length === 0))
  return {
    leave: (last) =>
      Effect.acquireUseRelease(
        // Where even this fails the home is gone, and with it everybody who could mind.
        Effect.option(listen(join(directory, `leaving-${id}`))),
        () => Effect.zipRight(closeUsing, Effect.whenEffect(last, isDeserted(directory))),
        Option.getOrElse(() => Effect.void)
      )
  }
})

/** Whether nobody uses the home at this path, which must be short. */
export const isDeserted = (directory: string): Effect.Effect<boolean> =>
  Effect.map(holders(directory, "using"), (names) => names.length === 0)

// internal

/** The sockets of the living; those of the dead are cleared away, for their names are never used again. */
const holders = (directory: string, kind: "using" | "leaving"): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(() => readdir(directory).catch((): Array<string> => [])).pipe(
    Effect.map((names) => names.filter((name) => name.startsWith(`${kind}-`)).map((name) => join(directory, name))),
    Effect.flatMap(
      Effect.filter((path) =>
        Effect.tap(
          isHeld(path),
          (held) => held ? Effect.void : Effect.promise(() => rm(path, { force: true }).catch(() => {}))
        )
      )
    )
  )

const notUsable = (home: Home, cause: Error): EmbeddedPostgresError =>
  new EmbeddedPostgresError({
    reason: "DataDirectoryUnusable",
    message: `${home.path} cannot be used: no unix socket could be made in it (${cause.message}). The folder must be ` +
      "writable for this process, and on a file system that supports unix sockets.",
    cause
  })
