/**
 * A pool of connections that nobody waits for at build, and on which nothing waits for ever.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { Socket } from "node:net"

export interface Connection {
  /** Makes the client; fails while no server answers. Once made, its pool replaces broken connections by itself. */
  readonly connect: Effect.Effect<PgClient.PgClient, SqlError, Scope.Scope>
  /** Breaks every connection, with whatever runs on them. */
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
  return {
    hangUp,
    connect: Effect.zipRight(
      // behind the pool's own end in the order of finalizers, for what that cannot end
      Effect.addFinalizer(() => hangUp),
      Effect.provide(
        PgClient.make({
          ...options,
          stream: () => {
            const socket = new Socket()
            // a peer that vanished without a word is found out in minutes, not by the next write
            socket.setKeepAlive(true, 30_000)
            sockets.add(socket)
            socket.once("close", () => sockets.delete(socket))
            return socket
          }
        }),
        Reactivity.layer
      )
    )
  }
}

/** The host's client, or one over the host's pool: these connections are not ours to break. */
export const ofHost = (connect: Effect.Effect<PgClient.PgClient, SqlError, Scope.Scope>): Connection => ({
  connect,
  hangUp: Effect.void
})
