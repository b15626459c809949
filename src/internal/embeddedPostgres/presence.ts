/**
 * Tracks who uses a home at the moment. Each scope listens at a unix socket in it, so a socket that refuses connections
 * proves that its owner is gone. Node has no file locks, and a process id proves nothing once it was reused, or if it
 * belongs to another container.
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
   * Ends this presence, and runs the effect if nobody else is present then. A scope that enters meanwhile waits for
   * this to end. So of several scopes that leave at once at least one runs the effect, and nobody finds a server that
   * is about to stop.
   */
  readonly leave: (last: Effect.Effect<void>) => Effect.Effect<void>
}

/**
 * Enters a home. The scope leaves it, unless `leave` has been called before. Waits for those that are leaving, but not
 * longer than the limit: one that takes longer hangs, and does not stop a server any more.
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
  // Entering is to become present and then check who is leaving; leaving is to announce that and then check who is
  // present. So of two that do it at the same time, at least one sees the other.
  yield* holdsWithin(limit, Effect.map(holders(directory, "leaving"), (names) => names.length === 0))
  return {
    leave: (last) =>
      Effect.acquireUseRelease(
        // if even this fails, the home is gone, and with it everybody who used it
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

/** The sockets of living owners. Those of dead owners are removed, for their names are never used again. */
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
