/**
 * A buffer that grows as it is written. Numbers are big-endian, as PostgreSQL wants them.
 */
import { escapeJson, maxExpansion } from "./escapeJson.ts"
import { endOfPiece } from "./textPieces.ts"

export class ByteWriter {
  /** The number of bytes written, which is where the next byte goes. Set it to 0 to use the buffer again. */
  length = 0
  private bytes: Buffer
  private view: DataView

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(Math.max(capacity, 1024))
    this.view = viewOf(this.bytes)
  }

  get capacity(): number {
    return this.bytes.length
  }

  int16(value: number): void {
    this.reserve(2)
    this.view.setInt16(this.length, value)
    this.length += 2
  }

  int32(value: number): void {
    this.reserve(4)
    this.view.setInt32(this.length, value)
    this.length += 4
  }

  /** A whole number within `Number.isSafeInteger`, written as two halves: 5 ns instead of 65 with a BigInt. */
  int64(value: number): void {
    this.reserve(8)
    this.view.setInt32(this.length, Math.floor(value / 2 ** 32))
    this.view.setUint32(this.length + 4, value >>> 0)
    this.length += 8
  }

  float64(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.length, value)
    this.length += 8
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** An even number of lower-case hexadecimal digits, as half as many bytes; hyphens are skipped. */
  hex(digits: string): void {
    this.reserve(digits.length >> 1)
    const { bytes } = this
    let high = -1
    for (let index = 0; index < digits.length; index++) {
      const code = digits.charCodeAt(index)
      const nibble = code >= 0x61 ? code - 0x57 : code - 0x30
      // the hyphens of a uuid
      if (nibble < 0) continue
      if (high < 0) {
        high = nibble
      } else {
        bytes[this.length++] = (high << 4) | nibble
        high = -1
      }
    }
  }

  /**
   * Text as UTF-8, in which Node writes a lone surrogate as U+FFFD.
   *
   * Short ASCII goes byte by byte: up to 16 characters that is faster than the 50 ns of a call into Node's own encoder.
   */
  utf8(text: string): void {
    const { length } = text
    if (length > 4096) {
      this.reserve(Buffer.byteLength(text))
    } else {
      this.reserve(length * 3)
      if (length <= 16) {
        const { bytes } = this
        let index = 0
        for (; index < length; index++) {
          const code = text.charCodeAt(index)
          if (code > 0x7f) break
          bytes[this.length + index] = code
        }
        if (index === length) {
          this.length += length
          return
        }
      }
    }
    this.length += this.bytes.write(text, this.length)
  }

  /** The inside of a JSON string. NUL and lone surrogates, which no store takes, become U+FFFD. */
  escaped(text: string): void {
    for (let from = 0, to: number; from < text.length; from = to) {
      to = endOfPiece(text, from, pieceLength)
      const length = raw.write(to - from === text.length ? text : text.slice(from, to))
      this.reserve(length * maxExpansion)
      this.length = escapeJson(rawView, length, this.view, this.length)
    }
  }

  /** Overwrites a number that was not known yet when its place was written. */
  setInt32(at: number, value: number): void {
    this.view.setInt32(at, value)
  }

  /** The bytes between two positions, without a copy: to be called when everything is written. */
  slice(start: number, end: number): Buffer {
    return this.bytes.subarray(start, end)
  }

  private reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
    this.view = viewOf(grown)
  }
}

/** In characters: as much as stays in a processor's caches. */
const pieceLength = 16_384

/**
 * The UTF-8 text of a piece while it is escaped, for no longer than a call. A character has at most 3 bytes, and a
 * piece may have 1 character more than `pieceLength`.
 */
const raw = Buffer.allocUnsafeSlow((pieceLength + 1) * 3)

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const rawView = viewOf(raw)
