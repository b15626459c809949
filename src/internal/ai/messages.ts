/** Prompts and answers of `@effect/ai` as plain data with roles and parts, like in the GenAI conventions. */
import { cutString } from "../capture.ts"
import { fieldOf, isPart, textOf } from "./shapes.ts"

export interface Message {
  readonly role: string
  /** A string if the content is a single text, otherwise a list of parts. */
  readonly content: unknown
}

/** The messages of a prompt: a text, an array or a `Prompt`. Iterables that can be read only once are not read. */
export const messagesOf = (prompt: unknown): ReadonlyArray<Message> => {
  if (typeof prompt === "string") return [{ role: "user", content: prompt }]
  const messages = Array.isArray(prompt) ? prompt : fieldOf(prompt, "content")
  return Array.isArray(messages)
    ? messages.map((message) => ({
      role: textOf(message, "role") ?? "user",
      content: contentOf(fieldOf(message, "content"))
    }))
    : []
}

/** The messages that the model has not answered yet: each prompt of a conversation repeats all earlier messages. */
export const newMessages = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> =>
  messages.slice(messages.map(({ role }) => role).lastIndexOf("assistant") + 1)

/** A part without the fields that only the program needs, and without the bytes of a file. */
export const partOf = (part: unknown): unknown => {
  if (!isPart(part)) return part
  switch (part.type) {
    case "text":
    case "reasoning":
      return { type: part.type, text: part.text }
    case "file":
      return {
        type: part.type,
        mediaType: part.mediaType,
        ...(part.fileName === undefined ? {} : { fileName: part.fileName }),
        ...(part.data === undefined ? {} : dataOf(part.data))
      }
    case "tool-call":
      return { type: part.type, id: part.id, name: part.name, params: part.params }
    case "tool-result":
      return {
        type: part.type,
        id: part.id,
        name: part.name,
        result: part.encodedResult ?? part.result,
        isFailure: part.isFailure
      }
    default:
      return Object.fromEntries(Object.entries(part).filter(([name]) => !isPrivate(name)))
  }
}

/** The content as recorded: a single text as a string, otherwise the parts. */
export const contentOf = (content: unknown): unknown => {
  if (!Array.isArray(content)) return content
  const [first] = content
  return content.length === 1 && isPart(first) && first.type === "text" ? first.text : content.map(partOf)
}

// internal

/** `@effect/ai` marks its types with `~`; metadata holds signatures and ids, which tell a reader nothing. */
const isPrivate = (name: string): boolean => name.startsWith("~") || name === "metadata" || name === "options"

const dataOf = (data: unknown): Readonly<Record<string, unknown>> => {
  if (data instanceof Uint8Array) return { bytes: data.byteLength }
  const text = String(data)
  return /^https?:/.test(text) ? { url: cutString(text, maxUrlLength) } : { characters: text.length }
}

const maxUrlLength = 2_048
