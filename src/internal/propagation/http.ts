/** The attributes that are recorded for HTTP messages, by OpenTelemetry's stable semantic conventions. */
import type * as Headers from "@effect/platform/Headers"
import { isCredential } from "../credentials.ts"
import { StandIn } from "../outcome.ts"

/** Which headers are recorded, and whether the query of the address is. */
export interface MessageOptions {
  /**
   * The names of the request headers that are recorded. Headers that carry credentials, and those listed in
   * `Headers.currentRedactedNames` of @effect/platform, are never recorded. Default: none.
   */
  readonly requestHeaders?: ReadonlyArray<string> | undefined
  /** The names of the response headers that are recorded, with the same exceptions. Default: none. */
  readonly responseHeaders?: ReadonlyArray<string> | undefined
  /** Whether the query of the address, which may hold secrets, is recorded. Default: `false`. */
  readonly recordQuery?: boolean | undefined
}

/** The attributes for the method, by the conventions: an unknown method may be any text, and becomes `_OTHER`. */
export const methodAttributes = (method: string): Record<string, unknown> =>
  knownMethods.has(method)
    ? { "http.request.method": method }
    : { "http.request.method": "_OTHER", "http.request.method_original": method.slice(0, 64) }

/** The first word of a span's name. */
export const methodName = (method: string): string => knownMethods.has(method) ? method : "HTTP"

/** The attributes for the wanted headers that may be recorded. */
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

/** The attributes for host and port as the client named them; none if they are not well-formed. */
export const serverAttributes = (host: string | undefined): Record<string, unknown> => {
  const match = host === undefined ? null : hostPattern.exec(host)
  if (match === null) return {}
  const [, address, port] = match
  return {
    "server.address": address!.replace(/^\[|\]$/g, "").toLowerCase(),
    ...(port === undefined ? {} : { "server.port": Number(port) })
  }
}

/** The attributes for the path of a request's target, and for the query if it is wanted. */
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

/** The attributes for the host, port and address of a call. */
export const urlAttributes = (url: URL, recordQuery: boolean | undefined): Record<string, unknown> => ({
  ...serverAttributes(url.host),
  "server.port": portOf(url),
  "url.full": fullUrl(url, recordQuery)
})

/** The port of an address; the default port of its scheme if none is stated. */
export const portOf = ({ port, protocol }: URL): number => port !== "" ? Number(port) : protocol === "https:" ? 443 : 80

/** The address of a call without credentials; the query is replaced by `REDACTED` unless it is wanted. */
export const fullUrl = (url: URL, recordQuery: boolean | undefined): string =>
  `${url.protocol}//${url.host}${url.pathname}${
    url.search === "" ? "" : recordQuery === true ? url.search : "?REDACTED"
  }`

/** A response with which a span ends as an error; the error type is the status code, as the conventions say. */
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

/** The target in a request line: a path or a whole address. */
const targetPattern = /^(?:https?:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/
