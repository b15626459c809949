/** Converts any observation to an entry, and remembers the names and tags of traces. */
import type { Observation, Trace } from "../../Observation.ts"
import type { Entry, TraceFacts } from "./entry.ts"
import { chatMessageEntry, documentEventEntry } from "./eventEntries.ts"
import { fit, maxEntryBytes } from "./fit.ts"
import { spanEntry } from "./spanEntry.ts"
import { traceEntry, traceFacts } from "./traceEntry.ts"

/** Pauses (yields) after steps that may have taken long. */
export function* entryOf(observation: Observation): Generator<void, Entry> {
  const entry = project(observation)
  yield
  // a character takes two bytes of the estimate and at most about six of the JSON, so a small record is not measured
  return observation.size * 3 <= maxEntryBytes ? entry : yield* fit(entry, maxEntryBytes)
}

const project = (observation: Observation): Entry => {
  switch (observation._tag) {
    case "Trace":
      return traceEntry(observation)
    case "Span":
      return spanEntry(observation)
    case "ChatMessage":
      return chatMessageEntry(observation)
    case "DocumentEvent":
      return documentEventEntry(observation)
  }
}

/**
 * The names and tags of the traces seen last. A server of version 4 knows a trace only by what each of its observations
 * says, and a span does not know the name of its trace. For a trace forgotten here, the root still states them.
 */
export class KnownTraces {
  private readonly facts = new Map<string, TraceFacts>()

  learn(trace: Trace): void {
    const { name, tags } = traceFacts(trace)
    const known = this.facts.get(trace.traceId)
    this.facts.delete(trace.traceId)
    this.facts.set(trace.traceId, { name: name ?? known?.name, tags: tags ?? known?.tags })
    if (this.facts.size > maxKnownTraces) {
      for (const oldest of this.facts.keys()) {
        this.facts.delete(oldest)
        break
      }
    }
  }

  of(traceId: string): TraceFacts | undefined {
    return this.facts.get(traceId)
  }
}

const maxKnownTraces = 2_000
