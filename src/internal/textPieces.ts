/** Splits text into pieces, but not within a character. */

/** @returns the end of a piece of `length` characters, or of one more where that would split a surrogate pair */
export const endOfPiece = (text: string, from: number, length: number): number => {
  const to = Math.min(from + length, text.length)
  return isLowSurrogate(text.charCodeAt(to)) ? to + 1 : to
}

/**
 * The first `length` characters, or one less where that would split a surrogate pair. They are copied: a slice would
 * keep the whole original alive.
 */
export const beginningOf = (text: string, length: number): string => {
  const end = isHighSurrogate(text.charCodeAt(length - 1)) ? length - 1 : length
  const part = text.slice(0, end)
  // ASCII stays at one byte a character, and so does ASCII appended to it: a single other character would make it two
  const encoding = Buffer.byteLength(part) === end ? "latin1" : "utf16le"
  return Buffer.from(part, encoding).toString(encoding)
}

// internal

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff

const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff
