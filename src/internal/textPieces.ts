/** Where text is taken apart: not within a character. */

/** @returns the end of a piece of so many characters, or one more, together with the second half of its last one */
export const endOfPiece = (text: string, from: number, length: number): number => {
  const to = Math.min(from + length, text.length)
  return isLowSurrogate(text.charCodeAt(to)) ? to + 1 : to
}

/** The first characters, that many or one less. They are copied: a slice would keep the whole original alive. */
export const beginningOf = (text: string, length: number): string => {
  const end = isHighSurrogate(text.charCodeAt(length - 1)) ? length - 1 : length
  const part = text.slice(0, end)
  // ASCII stays at one byte a character, and so does what is put behind it: one other character would make it two
  const encoding = Buffer.byteLength(part) === end ? "latin1" : "utf16le"
  return Buffer.from(part, encoding).toString(encoding)
}

// internal

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff

const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff
