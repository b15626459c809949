/**
 * Pools of connections: building a provider does not wait for them, and nothing waits on a connection for ever.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { Socket } from "node:net"
import { Pool } from "pg"

export interface Connection {
  /** Makes the client; fails while no server answers. Once made, its pool replaces broken connections by itself. */
  readonly connect: Effect.Effect<PgClient.PgClient, SqlError, Scope.Scope>
  /** Breaks all connections, with the statements that run on them. */
  readonly hangUp: Effect.Effect<void>
}

/** Connections of the library's own. */
export const own = (options: {
  readonly url: Redacted.Redacted
  readonly maxConnections: number
  readonly connectTimeout: Duration.DurationInput
  readonly applicationName: string
}): Connection => {
  const sockets = new Set<Socket>()
  const hangUp = Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  const newSocket = () => {
    const socket = new Socket()
    // a peer that vanished silently is detected within minutes, and not only by the next write
    socket.setKeepAlive(true, 30_000)
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
    return socket
  }
  const newPool = () => {
    const pool = new Pool({
      connectionString: Redacted.value(options.url),
      max: options.maxConnections,
      connectionTimeoutMillis: Math.min(Duration.toMillis(options.connectTimeout), longestTimerMillis),
      application_name: options.applicationName,
      stream: newSocket,
      // longer than the heartbeat interval: otherwise each heartbeat would need a new connection
      idleTimeoutMillis: 30_000,
      // an idle connection does not keep the process alive; this option is why `PgClient` does not make the pool
      allowExitOnIdle: true
    })
    pool.on("error", ignore)
    return pool
  }
  const acquire = Effect.tap(Effect.sync(newPool), (pool) =>
    // added after the answer: a pool that never answered is not waited for when the scope closes
    Effect.zipRight(answers(pool, options.connectTimeout), Effect.addFinalizer(() => ended(pool))))
  return {
    hangUp,
    connect: Effect.zipRight(
      // added first, so that it runs after the pool's own finalizer, for connections that the pool cannot end
      Effect.addFinalizer(() => hangUp),
      Effect.provide(PgClient.fromPool({ acquire }), Reactivity.layer)
    )
  }
}

/** 25 days: a timer of Node that is set for longer fires at once. */
const longestTimerMillis = 2 ** 31 - 1

/** Fails while no server answers. */
const answers = (pool: Pool, limit: Duration.DurationInput): Effect.Effect<void, SqlError> => {
  const failed = (cause: unknown) => new SqlError({ cause, message: "Failed to connect" })
  return Effect.tryPromise({ try: () => pool.query("select 1"), catch: failed }).pipe(
    Effect.timeoutFail({ duration: limit, onTimeout: () => failed(new Error("no answer in time")) }),
    Effect.asVoid
  )
}

const ended = (pool: Pool): Effect.Effect<unknown> =>
  Effect.promise(() => pool.end()).pipe(Effect.interruptible, Effect.timeoutOption("1 second"))

/**
 * A statement on a connection that breaks fails with the error. The error of an idle connection would end the process
 * if nobody listened.
 */
const ignore = () => {}

/** The host's client, whose connections are not the library's to break. */
export const ofHost = (connect: Effect.Effect<PgClient.PgClient, SqlError, Scope.Scope>): Connection => ({
  connect,
  hangUp: Effect.void
})

/**
 * A connection over the host's pool. It listens to the pool's errors: a host that does not may never have had an idle
 * connection before.
 */
export const ofHostPool = (acquire: PgClient.PgClientFromPoolOptions["acquire"]): Connection => {
  const listening = Effect.tap(acquire, (pool) =>
    Effect.acquireRelease(
      Effect.sync(() => pool.on("error", ignore)),
      () => Effect.sync(() => pool.off("error", ignore))
    ))
  return ofHost(Effect.provide(PgClient.fromPool({ acquire: listening }), Reactivity.layer))
}
