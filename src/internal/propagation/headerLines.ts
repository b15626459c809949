/**
 * The lines of one header, from a record whose names are in any case, or from pairs, as the web platform's `Headers`
 * and a `Map` yield them.
 */

/** One value, or one for each line; bytes are UTF-8 text, as message brokers deliver it. */
export type HeaderValue = string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined

export type HeadersInput = Readonly<Record<string, HeaderValue>> | Iterable<readonly [string, HeaderValue]>

/** @param name in lower case */
export const headerLines = (headers: HeadersInput, name: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  try {
    for (const [key, value] of Symbol.iterator in headers ? headers : Object.entries(headers)) {
      if (key.length === name.length && key.toLowerCase() === name) addLines(lines, value)
    }
  } catch {
    // the value came from outside and may be anything: if it cannot be read as headers, it holds none
    return []
  }
  return lines
}

/** Removes HTTP's optional white space, space and tab, at both ends; `trim` removes more than that. */
export const trimmed = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start++
  while (end > start && isWhiteSpace(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

// internal

const addLines = (lines: Array<string>, value: unknown): void => {
  if (typeof value === "string") lines.push(value)
  else if (value instanceof Uint8Array) lines.push(utf8.decode(value))
  else if (Array.isArray(value)) { for (const line of value) addLines(lines, line) }
}

const utf8 = new TextDecoder()

const isWhiteSpace = (code: number): boolean => code === 0x20 || code === 0x09
