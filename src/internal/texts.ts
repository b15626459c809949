/**
 * Maps the texts of an observation that are content: written by users, answered by models, or stated by the program
 * about it.
 */
import type { ErrorDetails, Json, JsonObject, Observation } from "../Observation.ts"

export const mapTexts = (observation: Observation, f: (text: string) => string): Observation => {
  const texts = new Texts(f)
  const mapped = texts.observation(observation)
  // two bytes a character, as captured texts are charged
  return { ...mapped, size: mapped.size + 2 * texts.growth }
}

// internal

class Texts {
  /** By how many characters the texts have grown. */
  growth = 0
  private readonly f: (text: string) => string

  constructor(f: (text: string) => string) {
    this.f = f
  }

  observation(observation: Observation): Observation {
    switch (observation._tag) {
      case "Trace":
        return {
          ...observation,
          name: optional(observation.name, this.text),
          error: optional(observation.error, this.error),
          tags: observation.tags?.map(this.text),
          metadata: optional(observation.metadata, this.object),
          input: optional(observation.input, this.json),
          output: optional(observation.output, this.json)
        }
      case "Span":
        return {
          ...observation,
          name: this.text(observation.name),
          error: optional(observation.error, this.error),
          links: observation.links?.map((link) => ({ ...link, attributes: this.object(link.attributes) })),
          events: observation.events?.map((event) => ({
            ...event,
            // a line of a log is an event of that name
            name: this.text(event.name),
            attributes: this.object(event.attributes)
          })),
          attributes: optional(observation.attributes, this.object),
          input: optional(observation.input, this.json),
          output: optional(observation.output, this.json)
        }
      case "ChatMessage":
        return {
          ...observation,
          content: this.json(observation.content),
          sources: optional(observation.sources, this.json),
          citations: optional(observation.citations, this.json),
          metadata: optional(observation.metadata, this.object)
        }
      case "DocumentEvent":
        return {
          ...observation,
          documentName: optional(observation.documentName, this.text),
          metrics: optional(observation.metrics, this.object),
          error: optional(observation.error, this.error),
          metadata: optional(observation.metadata, this.object)
        }
    }
  }

  private readonly text = (text: string): string => {
    const mapped = this.f(text)
    this.growth += mapped.length - text.length
    return mapped
  }

  private readonly json = (value: Json): Json =>
    typeof value === "string" ?
      this.text(value) :
      typeof value !== "object" || value === null ?
      value :
      isArray(value) ?
      value.map(this.json) :
      this.object(value)

  private readonly object = (object: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key, this.json(value)]))

  private readonly error = <E extends ErrorDetails>(error: E): E => ({
    ...error,
    message: this.text(error.message),
    cause: optional(error.cause, this.text)
  })
}

const optional = <A>(value: A | undefined, f: (value: A) => A): A | undefined =>
  value === undefined ? undefined : f(value)

// `Array.isArray` does not tell a readonly array from an object
const isArray: (value: ReadonlyArray<Json> | JsonObject) => value is ReadonlyArray<Json> = Array.isArray
