/**
 * What PostgreSQL's and the network's errors mean for a batch.
 */
import type { SqlError } from "@effect/sql/SqlError"
import { ProviderError } from "../../Provider.ts"
import { errorDetails } from "../outcome.ts"

/** The SQLSTATE, or Node's code of a network error; `undefined` where the cause has none. */
export const codeOf = (error: SqlError): string | undefined => {
  const { cause } = error
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
}

/** Somebody dropped the library's tables or schema. */
export const isUndefinedTable = (error: SqlError): boolean => {
  const code = codeOf(error)
  return code === "42P01" || code === "3F000"
}

/** A check violation that names no constraint comes from the parent table, which has no partition for the row. */
export const isMissingPartition = (error: SqlError): boolean =>
  codeOf(error) === "23514" && !(error.cause as { readonly constraint?: unknown }).constraint

/** The role lacks a right, or does not own what it wants to change. */
export const isForbidden = (error: SqlError): boolean => codeOf(error) === "42501"

/**
 * `0A` and `42`: errors that come every time, from a store that is not quite PostgreSQL, or for a role that may insert
 * but not copy.
 */
export const isUnsupported = (error: SqlError): boolean => /^(?:0A|42)...$/.test(codeOf(error) ?? "")

/** The server has become a standby in a failover: only a new connection finds the primary. */
export const isReadOnly = (error: SqlError): boolean => codeOf(error) === "25006"

/**
 * `22` and `23`: the data is wrong, or violates a constraint; `54`: it exceeds a limit of the program. All other errors
 * may be gone at the next attempt: connections, restarts, locks, a full disk, privileges and tables that somebody has
 * to restore.
 */
const isRefusal = (code: string): boolean => /^(?:22|23|54)...$/.test(code)

/**
 * The message of the innermost error: the errors around it only say that something failed. For PostgreSQL's own errors,
 * it is the message and the code, never the detail, which quotes the row.
 */
export const describe = (error: { readonly message: string; readonly cause?: unknown }): string => {
  const { cause } = error
  if (cause instanceof AggregateError) return errorDetails(cause).message
  if (cause instanceof Error && cause.message !== "") return describe(cause)
  const code = "code" in error && typeof error.code === "string" ? ` (${error.code})` : ""
  return `${error.message}${code}`
}

export const toProviderError = (error: SqlError): ProviderError => {
  const code = codeOf(error)
  const message = `PostgreSQL: ${describe(error)}`
  return code !== undefined && isRefusal(code) && !isMissingPartition(error)
    ? ProviderError.rejected(message, { cause: error })
    : ProviderError.transient(message, { cause: error })
}
