/** What is recorded of HTTP messages, by the stable semantic conventions of OpenTelemetry. */
import type * as Headers from "@effect/platform/Headers"
import { isCredential } from "../credentials.ts"
import { StandIn } from "../outcome.ts"

/** Which headers are recorded, and whether the query of an address is. */
export interface MessageOptions {
  /**
   * The request headers that are recorded, by name. Those that carry credentials are never recorded, nor those that
   * `Headers.currentRedactedNames` of @effect/platform lists. Default: none.
   */
  readonly requestHeaders?: ReadonlyArray<string> | undefined
  /** The response headers that are recorded, by name, with the same exceptions. Default: none. */
  readonly responseHeaders?: ReadonlyArray<string> | undefined
  /** Whether the query of the address is recorded, which may hold secrets. Default: `false`. */
  readonly recordQuery?: boolean | undefined
}

/** The method as the conventions write it: one that nobody knows may be anything, and is not made a name. */
export const methodAttributes = (method: string): Record<string, unknown> =>
  knownMethods.has(method)
    ? { "http.request.method": method }
    : { "http.request.method": "_OTHER", "http.request.method_original": method.slice(0, 64) }

/** The first word of a span's name. */
export const methodName = (method: string): string => knownMethods.has(method) ? method : "HTTP"

/** The headers that were asked for and may be recorded. */
export const recordedHeaders = (
  kind: "request" | "response",
  headers: Headers.Headers,
  wanted: ReadonlyArray<string> | undefined,
  redactedNames: ReadonlyArray<string | RegExp>
): Record<string, unknown> => {
  const attributes: Record<string, unknown> = {}
  for (const name of wanted ?? []) {
    const key = name.toLowerCase()
    const value = headers[key]
    if (value === undefined || isCredential(key) || isListed(key, redactedNames)) continue
    attributes[`http.${kind}.header.${key}`] = [value]
  }
  return attributes
}

/** Host and port as the client named them; nothing when they are not well-formed. */
export const serverAttributes = (host: string | undefined): Record<string, unknown> => {
  const match = host === undefined ? null : hostPattern.exec(host)
  if (match === null) return {}
  const [, address, port] = match
  return {
    "server.address": address!.replace(/^\[|\]$/g, "").toLowerCase(),
    ...(port === undefined ? {} : { "server.port": Number(port) })
  }
}

/** The path of a request's target, and the query if it is wanted. */
export const targetAttributes = (target: string, recordQuery: boolean | undefined): Record<string, unknown> => {
  const url = targetPattern.exec(target)
  if (url === null) return {}
  const [, path, query] = url
  return {
    "url.path": path === "" ? "/" : path,
    ...(recordQuery === true && query !== undefined && query !== "" ? { "url.query": query } : {})
  }
}

/** The target of a request as it is recorded: its path, and the query if it is wanted. */
export const recordedTarget = (target: string, recordQuery: boolean | undefined): string => {
  const { "url.path": path = "", "url.query": query } = targetAttributes(target, recordQuery)
  return query === undefined ? String(path) : `${String(path)}?${String(query)}`
}

/** Whom a call is for, and its address. */
export const urlAttributes = (url: URL, recordQuery: boolean | undefined): Record<string, unknown> => ({
  ...serverAttributes(url.host),
  "server.port": portOf(url),
  "url.full": fullUrl(url, recordQuery)
})

/** The port of an address, which is that of its scheme where none is stated. */
export const portOf = ({ port, protocol }: URL): number => port !== "" ? Number(port) : protocol === "https:" ? 443 : 80

/** The address of a call: without credentials, and with what is asked hidden unless that is wanted. */
export const fullUrl = (url: URL, recordQuery: boolean | undefined): string =>
  `${url.protocol}//${url.host}${url.pathname}${
    url.search === "" ? "" : recordQuery === true ? url.search : "?REDACTED"
  }`

/** An answer with which a span ends as an error: its type is the code, as the conventions say. */
export class ErrorStatus extends StandIn {
  readonly _tag: string
  readonly message: string

  constructor(status: number) {
    super()
    this._tag = String(status)
    this.message = `the response has status ${status}`
  }
}

// internal

const knownMethods = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE"
])

const isListed = (key: string, names: ReadonlyArray<string | RegExp>): boolean =>
  names.some((name) => typeof name === "string" ? name.toLowerCase() === key : new RegExp(name).test(key))

const hostPattern = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?$/

/** A path, or a whole address, as a request line has it. */
const targetPattern = /^(?:https?:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/
