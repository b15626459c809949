/**
 * The JSON of a request as bytes. The client of the `langfuse` package would build the JSON of all texts in one step,
 * which held the event loop for 4 ms for 1 MB, and for 12 ms when garbage was collected meanwhile.
 */
import { randomUUID } from "node:crypto"
import type { ByteWriter } from "../byteWriter.ts"
import type { Steps } from "../jsonBytes.ts"
import { pieceLength, writeText } from "../jsonBytes.ts"
import { CutText } from "./text.ts"

/** A body, split into the JSON that is written in one step and the large texts that are written in pieces. */
export interface Frame {
  /** The JSON between the large texts. */
  readonly between: ReadonlyArray<string>
  /** The parts of each large text. */
  readonly large: ReadonlyArray<ReadonlyArray<string>>
  /** The estimated size, with room for escape sequences. */
  readonly bytes: number
}

export const frameOf = (body: unknown): Frame => {
  const large: Array<ReadonlyArray<string>> = []
  const placeholder: string = randomUUID()
  const json = JSON.stringify(body, (_key, value: unknown) => {
    if (value instanceof CutText) large.push([value.beginning, value.mark])
    else if (typeof value === "string" && value.length > pieceLength) large.push([value])
    else return value
    return placeholder
  })
  const characters = large.reduce((sum, parts) => parts.reduce((all, { length }) => all + length, sum), json.length)
  return { between: json.split(`"${placeholder}"`), large, bytes: Math.ceil(characters * 1.25) + pieceLength * 2 }
}

/** Writes the JSON of the body. Pauses (yields) after each piece of a large text. */
export function* writeBody(out: ByteWriter, { between, large }: Frame): Steps {
  for (const [index, text] of between.entries()) {
    out.utf8(text)
    yield
    if (index < large.length) yield* writeText(out, large[index]!)
  }
}
