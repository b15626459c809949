/**
 * Writes messages to PostgreSQL directly into the buffer in which their content is encoded. A driver that is given the
 * content copies all of it two or three times, into newly allocated memory: with a text of 1 MB, that held up the event
 * loop for up to 8 ms.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import type { ByteWriter } from "../byteWriter.ts"

/** @returns the position of the message's size, for `end` */
export const begin = (out: ByteWriter, type: Type): number => {
  out.byte(type)
  const sizeAt = out.length
  out.int32(0)
  return sizeAt
}

export const end = (out: ByteWriter, sizeAt: number): void => out.setInt32(sizeAt, out.length - sizeAt)

export const text = (out: ByteWriter, value: string): void => {
  out.utf8(value)
  out.byte(0)
}

/** A statement without parameters. */
export const query = (out: ByteWriter, statement: string): void => {
  const sizeAt = begin(out, Type.query)
  text(out, statement)
  end(out, sizeAt)
}

/** An unnamed statement with parameters, which the next one replaces. */
export const parse = (out: ByteWriter, statement: string): void => {
  const sizeAt = begin(out, Type.parse)
  text(out, "")
  text(out, statement)
  out.int16(0) // no parameter types: the statement has them
  end(out, sizeAt)
}

/** Writes what precedes the values of the parsed statement, all of which are binary, each behind its length. */
export const beginBind = (out: ByteWriter, parameters: number): number => {
  const sizeAt = begin(out, Type.bind)
  text(out, "") // the portal
  text(out, "") // the statement
  out.int16(1)
  out.int16(binary)
  out.int16(parameters)
  return sizeAt
}

export const endBind = (out: ByteWriter, sizeAt: number): void => {
  out.int16(0) // no result formats: the server's default
  end(out, sizeAt)
}

/** Runs the bound statement to its end. */
export const execute = (out: ByteWriter): void => {
  const executeAt = begin(out, Type.execute)
  text(out, "")
  out.int32(0) // all rows
  end(out, executeAt)
  end(out, begin(out, Type.sync))
}

/** The first byte of a message. */
export const Type = {
  bind: 0x42,
  copyData: 0x64,
  copyDone: 0x63,
  execute: 0x45,
  parse: 0x50,
  query: 0x51,
  sync: 0x53
} as const
export type Type = (typeof Type)[keyof typeof Type]

const binary = 1
