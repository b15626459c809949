/** How an operation ended, in Langfuse's terms: a level and a status message. */
import type { ErrorDetails, JsonObject, Status } from "../../Observation.ts"
import type { Level, MetadataBuilder } from "./entry.ts"
import { cut, label, plain } from "./text.ts"

export interface Verdict {
  readonly level: Level
  readonly statusMessage: string | undefined
}

export const verdictOf = (status: Status, error: ErrorDetails | undefined): Verdict => {
  switch (status) {
    case "error":
      return { level: "ERROR", statusMessage: error === undefined ? "error" : messageOf(error) }
    case "interrupted":
    case "lost":
      // neither failed: an interrupted operation was called off, and how a lost one ended is unknown, whatever it had stated
      return { level: "WARNING", statusMessage: error === undefined ? status : `${status}; ${messageOf(error)}` }
    case "in_progress":
    case "success":
      return fine
  }
}

export const fine: Verdict = { level: "DEFAULT", statusMessage: undefined }

export const messageOf = (error: ErrorDetails): string => cut(`${error.type}: ${error.message}`, 2_000)

/** What is stated of something that still runs may be taken back, and metadata may not. */
export const finalError = (
  { error, status }: { readonly error: ErrorDetails | undefined; readonly status: Status }
): ErrorDetails | undefined => status === "in_progress" ? undefined : error

export const addError = (metadata: MetadataBuilder, error: ErrorDetails | undefined): MetadataBuilder =>
  error === undefined ? metadata : metadata
    .add("errorType", cut(error.type, 1_000))
    .add("errorCause", error.cause === undefined ? undefined : cut(error.cause, maxCauseLength))

/** Adds the program's own values. Called last, so that they win over values that this library adds by the same name. */
export const addAll = (metadata: MetadataBuilder, values: JsonObject | undefined): MetadataBuilder => {
  for (const key of Object.keys(values ?? {})) metadata.add(label(key, 200), plain(values![key]!))
  return metadata
}

const maxCauseLength = 50_000
