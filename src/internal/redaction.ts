/**
 * The one point at which every record passes the application's own redaction, before any provider sees it.
 */
import type { Observation } from "../Observation.ts"

/**
 * A redaction that throws must not let the record through as it is, nor lose it: what it may hold of the user's data
 * is taken out, and the record says so.
 */
export const redacting =
  (redact: (observation: Observation) => Observation, onFailure: () => void) =>
  (observation: Observation): Observation => {
    try {
      const visible = redact(observation)
      // the type demands a record, but a redaction may be anybody's JavaScript
      if (visible._tag === observation._tag && Number.isFinite(visible.size)) return visible
      onFailure()
      return emptied(observation)
    } catch {
      onFailure()
      return emptied(observation)
    }
  }

// internal

const notice = "<redaction failed>"

const emptied = (observation: Observation): Observation => {
  switch (observation._tag) {
    case "Trace":
      return {
        ...observation,
        userId: undefined,
        metadata: { redaction: notice },
        input: notice,
        output: notice,
        tags: undefined,
        error: withoutText(observation.error)
      }
    case "Span":
      return {
        ...observation,
        userId: undefined,
        attributes: { redaction: notice },
        events: undefined,
        links: observation.links?.map((link) => ({ ...link, attributes: {} })),
        input: notice,
        output: notice,
        error: withoutText(observation.error)
      }
    case "ChatMessage":
      return {
        ...observation,
        userId: undefined,
        content: notice,
        sources: undefined,
        citations: undefined,
        metadata: { redaction: notice }
      }
    case "DocumentEvent":
      return {
        ...observation,
        userId: undefined,
        documentName: undefined,
        metrics: undefined,
        metadata: { redaction: notice },
        error: withoutText(observation.error)
      }
  }
}

const withoutText = <E extends { readonly message: string; readonly cause: string | undefined }>(
  error: E | undefined
): E | undefined => error === undefined ? undefined : { ...error, message: notice, cause: undefined }
