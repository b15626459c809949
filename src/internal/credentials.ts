/** Recognizes headers and URL parameters that carry credentials, by their names. */

export const isCredential = (name: string): boolean => credentials.test(name)

/**
 * Redacts keys of services in an attribute with which Effect describes an HTTP message. Effect knows only a few headers
 * that carry one, and the packages of vendors have no way to name others.
 */
export const withoutCredentials = (key: string, value: unknown): unknown => {
  if (key.startsWith("http.request.header.") || key.startsWith("http.response.header.")) {
    return isCredential(key) ? "<redacted>" : value
  }
  return (key === "url.full" || key === "url.query") && typeof value === "string"
    ? value.replace(
      parameters,
      (whole, start: string, name: string) => isCredential(name) || isKey(name) ? `${start}${name}=REDACTED` : whole
    )
    : value
}

// internal

/**
 * Token counts, which vendors put into headers, do not match; the values that `@effect/ai-openai` takes as `Redacted`
 * do.
 */
const credentials = new RegExp(
  [
    "auth(?:entic|oriz)",
    "cookie",
    "(?:api|access|account|functions|subscription)[-_]?key",
    "token$",
    "secret",
    "passw",
    "credential",
    "signature",
    "openai-(?:organization|project)$"
  ].join("|"),
  "i"
)

const parameters = /(^|[?&])([^=?&#]+)=[^&#]*/g

/** These names are too short to be searched for within other names. */
const isKey = (name: string): boolean => /^(?:key|sig|.*accesskeyid|.*accessid)$/i.test(name)
