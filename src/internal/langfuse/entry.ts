/**
 * An observation in Langfuse's sense, before it is encoded in one of the two protocols. Everything that is the same in
 * both is settled by then: texts are clean and cut, figures are plausible, values that Langfuse keeps as text are text.
 */
import type { Kind, Resource } from "../../Observation.ts"
import type { Text } from "./text.ts"

/** The types that Langfuse knows. */
export type EntryType =
  | "span"
  | "generation"
  | "event"
  | "embedding"
  | "agent"
  | "tool"
  | "chain"
  | "retriever"
  | "guardrail"
  | "evaluator"

export type Level = "DEFAULT" | "WARNING" | "ERROR"

/** Named texts. Pairs, because a key may be `__proto__`. */
export type Metadata = ReadonlyArray<readonly [key: string, value: Text]>

/** The name and tags of a trace as a whole. */
export interface TraceFacts {
  readonly name: string | undefined
  readonly tags: ReadonlyArray<string> | undefined
}

export interface Entry {
  readonly kind: Kind
  readonly type: EntryType
  readonly traceId: string
  readonly id: string
  readonly parentId: string | undefined
  readonly revision: number
  /** Whether the trace or span is still running. */
  readonly isOpen: boolean
  readonly resource: Resource
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  /** `undefined` if another process named the trace. */
  readonly name: string | undefined
  readonly startUnixMicros: number
  /** `undefined` while it runs, and where the duration is not known. */
  readonly endUnixMicros: number | undefined
  readonly level: Level
  readonly statusMessage: Text | undefined
  readonly input: Text | undefined
  readonly output: Text | undefined
  readonly metadata: Metadata
  readonly model: ModelFacts | undefined
  /** Present if the entry stands for the trace as a whole: as its root, or as the span by which it comes in. */
  readonly trace: (TraceFacts & { readonly metadata: Metadata }) | undefined
}

export interface ModelFacts {
  readonly name: string | undefined
  readonly parameters: Readonly<Record<string, number>> | undefined
  readonly usage: Readonly<Record<string, number>> | undefined
  readonly cost: Readonly<Record<string, number>> | undefined
  readonly firstTokenUnixMicros: number | undefined
}

/** Builds metadata. Values that are not known are left out. */
export class MetadataBuilder {
  private readonly pairs = new Map<string, string>()

  /** Replaces an earlier value of the same key, so that the program's own values, which come last, win. */
  add(key: string, value: string | undefined): this {
    if (value !== undefined) this.pairs.set(key, value)
    return this
  }

  addFigures(figures: Readonly<Record<string, number | undefined>>): this {
    for (const [key, figure] of Object.entries(figures)) {
      if (figure !== undefined) this.add(key, String(figure))
    }
    return this
  }

  build(): Metadata {
    return Array.from(this.pairs)
  }
}
