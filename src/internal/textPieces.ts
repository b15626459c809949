/** Where text is taken apart: not within a character. */

/** @returns the end of a piece of so many characters, or one more, together with the second half of its last one */
export const endOfPiece = (text: string, from: number, length: number): number => {
  const to = Math.min(from + length, text.length)
  return isLowSurrogate(text.charCodeAt(to)) ? to + 1 : to
}

// internal

const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff
