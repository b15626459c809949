/** The server process of a home: found or started, stopped, and, for failure tests, killed and paused. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { toTheEnd } from "../toTheEnd.ts"
import { EmbeddedPostgresError } from "./error.ts"
import type { Home } from "./home.ts"
import { launch, type LaunchOptions } from "./launch.ts"
import { holdsWithin, onLiveClock, pollUntil } from "./liveClock.ts"
import { type PostmasterPid, postmasterPidFile, readPostmasterPid } from "./postmasterPid.ts"
import * as Processes from "./processes.ts"
import { address, describe, socketDirectory, withClient } from "./sql.ts"
import { removeStaleLocks } from "./staleLocks.ts"
import { isHeld } from "./unixSocket.ts"

export interface ServerOptions extends LaunchOptions {
  readonly startTimeout: Duration.DurationInput
  readonly stopTimeout: Duration.DurationInput
}

export interface Server {
  /** Returns when the server answers, one that runs already or else a new one, with the server's version. */
  readonly start: Effect.Effect<string, EmbeddedPostgresError>
  readonly stop: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

export const make = (home: Home, options: ServerOptions): Server => {
  /** What was started here, known even before it has written its `postmaster.pid`. */
  let launched: number | undefined
  /** What the server answered when it was there, but refused to talk. */
  let refusal = ""

  const processes = Processes.ofServer(home.dataDirectory)
  const gone = Effect.map(processes, (pids) => pids.length === 0)

  const isOurs = (pid: number) => Processes.isOfServer(pid, home.dataDirectory)

  /** The server as `postmaster.pid` tells, provided that it is true. */
  const running: Effect.Effect<Option.Option<PostmasterPid>> = Effect.gen(function*() {
    const file = yield* readPostmasterPid(home.dataDirectory)
    return Option.isSome(file) && (yield* isOurs(file.value.pid)) ? file : Option.none()
  })

  const postmaster = Effect.gen(function*() {
    const file = yield* running
    if (Option.isSome(file)) return Option.some(file.value.pid)
    return launched !== undefined && (yield* isOurs(launched)) ? Option.some(launched) : Option.none()
  })

  /** Returns when a server answers; starts one if there is none. */
  const find: Effect.Effect<string, EmbeddedPostgresError> = Effect.gen(function*() {
    // Asked first, since it does not depend on whether the server's process can be seen from here.
    if (yield* isHeld(`${socketDirectory(home)}/.s.PGSQL.5432`)) {
      return yield* Effect.catchAll(version, (error) => {
        refusal = ` Its answer was: ${describe(error)}.`
        return later
      })
    }
    return yield* Option.isSome(yield* running) ? later : Effect.zipRight(clearUp, begin)
  })

  /** It starts, recovers or stops, or was too busy to answer: look again. */
  const later = Effect.zipRight(Effect.sleep("25 millis"), Effect.suspend(() => find))

  const version = withClient(address(home, "postgres"), (sql) =>
    Effect.map(
      sql<{ readonly version: string }>`select current_setting('server_version') as version`,
      (rows) => rows[0]?.version ?? ""
    ))

  /** A killed server's other processes end when they notice, for which they must not be paused. */
  const clearUp = Effect.gen(function*() {
    yield* signalAll("SIGCONT")
    // Unless somebody else has started one meanwhile.
    const settled = Effect.zipWith(gone, Effect.map(running, Option.isSome), (left, right) => left || right)
    yield* holdsWithin("5 seconds", settled)
    if (yield* gone) yield* removeStaleLocks(home.dataDirectory)
  })

  const begin = Effect.gen(function*() {
    // Not to be interrupted in between, or a server would run of which nobody knows.
    const child = yield* Effect.uninterruptible(
      Effect.tap(launch(home, options), ({ pid }) => Effect.sync(() => void (launched = pid)))
    )
    const ready = pollUntil(Effect.map(running, Option.exists(({ pid, ready }) => ready && pid === child.pid)))
    const ended = yield* Effect.raceFirst(Effect.as(ready, undefined), child.ended)
    // Of several that start at once all but one end, because that one has the lock.
    if (ended === undefined || Option.isSome(yield* running)) return yield* find
    return yield* new EmbeddedPostgresError({
      reason: "StartFailed",
      message: `The PostgreSQL server in ${home.path} did not start (${ended}). Its log (${home.logFile}) ends:\n` +
        (yield* child.log)
    })
  })

  const signalAll = (name: NodeJS.Signals) => Effect.flatMap(processes, (pids) => Processes.signal(pids, name))

  const signalPostmaster = (name: NodeJS.Signals) =>
    Effect.flatMap(postmaster, (pid) => Processes.signal(Option.toArray(pid), name))

  const kill = Effect.gen(function*() {
    const before = yield* processes
    // The postmaster first, or it would start the others again.
    yield* signalPostmaster("SIGKILL")
    yield* Processes.signal(before, "SIGKILL")
    yield* signalAll("SIGKILL")
    yield* holdsWithin("5 seconds", gone)
  })

  return {
    start: find.pipe(
      Effect.interruptible,
      // A client that waits for an answer cannot be interrupted at once.
      Effect.disconnect,
      Effect.timeoutFail({
        duration: options.startTimeout,
        onTimeout: () =>
          new EmbeddedPostgresError({
            reason: "StartFailed",
            message: `The PostgreSQL server in ${home.path} did not answer within ` +
              `${Duration.format(options.startTimeout)}.${refusal} Its log is ${home.logFile}. If it recovers from a ` +
              "crash, allow it a longer startTimeout; if a process holds the folder and does not answer, its id is " +
              `in the first line of ${postmasterPidFile(home.dataDirectory)}.`
          })
      }),
      onLiveClock
    ),
    stop: toTheEnd(Effect.gen(function*() {
      // One that is paused would not notice.
      yield* signalAll("SIGCONT")
      const found = Option.getOrUndefined(yield* postmaster)
      if (found === undefined) return
      // The process, not its postmaster.pid, which it removes a moment before it ends.
      const ended = Effect.map(isOurs(found), (alive) => !alive)
      // Fast shutdown: clients are disconnected, data is written.
      yield* Processes.signal([found], "SIGINT")
      if (yield* holdsWithin(options.stopTimeout, ended)) return
      // Immediate shutdown: the next start recovers.
      yield* Processes.signal([found], "SIGQUIT")
      if (yield* holdsWithin("3 seconds", ended)) return
      yield* kill
    })),
    kill,
    // The postmaster first, so that it starts none while the others are being paused.
    pause: Effect.zipRight(signalPostmaster("SIGSTOP"), signalAll("SIGSTOP")),
    resume: signalAll("SIGCONT")
  }
}
