/** The one point at which every record passes through the application's own redaction, before any provider sees it. */
import type { Observation } from "../Observation.ts"
import { cutString } from "./capture.ts"

/**
 * When a redaction throws, the record must neither go through unchanged nor get lost: the fields that may hold the
 * user's data are taken out, and the record says so.
 */
export class Redaction {
  /** How often the redaction has failed. */
  failed = 0
  private readonly redact: (observation: Observation) => Observation
  private readonly onFailure: (reason: string, times: number) => void

  /** @param onFailure called once for all failures among records that were handed over together */
  constructor(
    redact: (observation: Observation) => Observation,
    onFailure: (reason: string, times: number) => void
  ) {
    this.redact = redact
    this.onFailure = onFailure
  }

  visible(observations: ReadonlyArray<Observation>): ReadonlyArray<Observation> {
    const before = this.failed
    let reason = ""
    const visible = observations.map((observation) => {
      try {
        return this.redacted(observation)
      } catch (error) {
        this.failed++
        reason = textOf(error)
        return emptied(observation)
      }
    })
    if (this.failed > before) this.onFailure(reason, this.failed - before)
    return visible
  }

  private redacted(observation: Observation): Observation {
    // the type demands a record, but a redaction may be anybody's JavaScript
    const visible: Observation | undefined = this.redact(observation)
    if (visible?._tag === observation._tag && Number.isFinite(visible.size)) return visible
    throw new TypeError("it gave back no record of the same kind")
  }
}

// internal

const notice = "<redaction failed>"

/** Printing the thrown value runs code of the application, which may throw. */
const textOf = (error: unknown): string => {
  try {
    return cutString(String(error), 1_000)
  } catch {
    return "an error that cannot be printed"
  }
}

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
