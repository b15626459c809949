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
  /** Returns when the server answers, with its version. Starts a server unless one is running already. */
  readonly start: Effect.Effect<string, EmbeddedPostgresError>
  readonly stop: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

export const make = (home: Home, options: ServerOptions): Server => {
  /** The process id of the server that was started here, known even before it has written its `postmaster.pid`. */
  let launched: number | undefined
  /** The error with which a running server last refused the connection. */
  let refusal = ""

  const processes = Processes.ofServer(home.dataDirectory)
  const gone = Effect.map(processes, (pids) => pids.length === 0)

  const isOurs = (pid: number) => Processes.isOfServer(pid, home.dataDirectory)

  /** The server according to `postmaster.pid`, if the process there really is this server. */
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
    // the socket first, since it does not depend on whether the server's process can be seen from here
    if (yield* isHeld(`${socketDirectory(home)}/.s.PGSQL.5432`)) {
      return yield* Effect.catchAll(version, (error) => {
        refusal = ` Its answer was: ${describe(error)}.`
        return later
      })
    }
    return yield* Option.isSome(yield* running) ? later : Effect.zipRight(clearUp, begin)
  })

  /** The server is starting, recovering or stopping, or was too busy to answer: look again. */
  const later = Effect.zipRight(Effect.sleep("25 millis"), Effect.suspend(() => find))

  const version = withClient(address(home, "postgres"), (sql) =>
    Effect.map(
      sql<{ readonly version: string }>`select current_setting('server_version') as version`,
      (rows) => rows[0]?.version ?? ""
    ))

  /**
   * Waits until a killed server's other processes have ended, which they do when they notice; for that they must not be
   * paused.
   */
  const clearUp = Effect.gen(function*() {
    yield* signalAll("SIGCONT")
    // unless somebody else has started a server meanwhile
    const settled = Effect.zipWith(gone, Effect.map(running, Option.isSome), (left, right) => left || right)
    yield* holdsWithin("5 seconds", settled)
    if (yield* gone) yield* removeStaleLocks(home.dataDirectory)
  })

  const begin = Effect.gen(function*() {
    // uninterruptible, or a server could be running that nobody knows of
    const child = yield* Effect.uninterruptible(
      Effect.tap(launch(home, options), ({ pid }) => Effect.sync(() => void (launched = pid)))
    )
    const ready = pollUntil(Effect.map(running, Option.exists(({ pid, ready }) => ready && pid === child.pid)))
    const ended = yield* Effect.raceFirst(Effect.as(ready, undefined), child.ended)
    // of several servers started at once, all end but the one that has the lock
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
    // the postmaster first, or it would restart the others
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
      // a paused server would not notice the signal
      yield* signalAll("SIGCONT")
      const found = Option.getOrUndefined(yield* postmaster)
      if (found === undefined) return
      // the process is checked, not its postmaster.pid, which the server removes a moment before it ends
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
    // the postmaster first, so that it starts no others while they are being paused
    pause: Effect.zipRight(signalPostmaster("SIGSTOP"), signalAll("SIGSTOP")),
    resume: signalAll("SIGCONT")
  }
}
