/**
 * Errors of the spool, in words that tell an operator what to do about them.
 */
import * as Schema from "effect/Schema"

/**
 * | reason | meaning |
 * | --- | --- |
 * | `full` | the budget, the disk or the user's quota is spent; passes when the store takes records again |
 * | `denied` | the folder may not be written: permissions, or a read-only file system |
 * | `unavailable` | the disk or the folder does not work |
 * | `unencodable` | a record is not plain data, and never will be |
 * | `closed` | the spool was closed before |
 */
export class SpoolError extends Schema.TaggedError<SpoolError>("effect-observability/internal/spool/SpoolError")(
  "SpoolError",
  {
    reason: Schema.Literal("full", "denied", "unavailable", "unencodable", "closed"),
    message: Schema.String,
    cause: Schema.optional(Schema.Defect)
  }
) {}

export const overBudget = (directory: string, bytes: number, frameBytes: number, maxBytes: number): SpoolError =>
  new SpoolError({
    reason: "full",
    message: `the spool in ${directory} holds ${bytes} bytes, and ${frameBytes} more would exceed its limit of ` +
      `${maxBytes}. It empties when the store takes records again; raise the limit to bridge longer outages.`
  })

export const closed = (directory: string): SpoolError =>
  new SpoolError({ reason: "closed", message: `the spool in ${directory} is closed` })

export const noPlainData = (cause: unknown): SpoolError =>
  new SpoolError({
    reason: "unencodable",
    message: `a record cannot be turned into JSON (${
      messageOf(cause)
    }). Records must be plain data; see docs/capture.md.`,
    cause
  })

/** Makes an error of what the file system reported, with the advice for that case. */
export const fromFileSystem = (directory: string, doing: string) => (cause: unknown): SpoolError => {
  const { advice, reason } = meaningOf(codeOf(cause))
  return new SpoolError({ reason, message: `${doing} in ${directory} failed: ${messageOf(cause)}. ${advice}`, cause })
}

export const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined

// internal

const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

const meaningOf = (
  code: string | undefined
): { readonly reason: SpoolError["reason"]; readonly advice: string } => {
  switch (code) {
    case "ENOSPC":
      return { reason: "full", advice: "The disk is full: free some of it, or put the spool on another one." }
    case "EDQUOT":
      return { reason: "full", advice: "The user's disk quota is spent: raise it, or put the spool elsewhere." }
    case "EACCES":
    case "EPERM":
      return { reason: "denied", advice: "Give the process's user read and write permission on the folder." }
    case "EROFS":
      return { reason: "denied", advice: "The file system is read-only: put the spool on a writable one." }
    case "EIO":
      return { reason: "unavailable", advice: "The disk reports an error: check it, or put the spool on another one." }
    default:
      return { reason: "unavailable", advice: "Check that the folder exists and that its file system works." }
  }
}
